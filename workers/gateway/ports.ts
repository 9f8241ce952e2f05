import type { MetricsBuffer } from "../../shared/metrics/metrics.ts";
import type { Config } from "./env.ts";
import type { Fleet } from "./fleet.ts";
import type { Authenticator } from "./middleware/authenticate.ts";
import type { KeyStore } from "./store/keys.ts";

/** Carries work past the answer, as `ExecutionContext.waitUntil` does. */
export type Defer = (work: Promise<unknown>) => void;

/** All that the app needs of the world. `bind.ts` answers these needs from the Worker's bindings; tests hand in their own. */
export type Ports = {
  readonly config: Config;
  readonly fleet: Fleet;
  readonly authenticate: Authenticator;
  readonly keys: (defer: Defer) => KeyStore;
  readonly metrics: MetricsBuffer;
  /** Hands this isolate's numbers over, now. */
  readonly flushMetrics: () => Promise<void>;
  /** Everything counted anywhere, as Prometheus text. */
  readonly renderMetrics: () => Promise<string>;
  /** Whether the database answers. */
  readonly pingDatabase: () => Promise<boolean>;
  readonly fetch: typeof fetch;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly now: () => number;
  readonly uuid: () => string;
};
