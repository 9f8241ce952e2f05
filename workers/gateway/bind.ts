import { createFleet } from "./fleet.ts";
import { readConfig } from "./env.ts";
import { createAuthenticator } from "./middleware/authenticate.ts";
import type { Ports } from "./ports.ts";
import { d1KeyStore, kvKeyStore } from "./store/keys.ts";
import { MetricsBuffer } from "../../shared/metrics/metrics.ts";

/** A way out to the engines in the place of the internet, where there is one: the network of `npm start`, a VPC. */
type Egress = { readonly EGRESS?: Fetcher };

/** The only file that knows which binding answers which need. */
export function bindPorts(env: Env): Ports {
  const variables = env as unknown as Readonly<Record<string, unknown>>;
  const config = readConfig(variables);
  const metrics = new MetricsBuffer();
  const now = () => Date.now();
  const { EGRESS } = env as Egress;
  // Bound late: called as a method of another object, the global fetch is refused.
  const send: typeof fetch = EGRESS
    ? (input, init) => EGRESS.fetch(input, init)
    : (input, init) => fetch(input, init);
  const world = () => env.METRICS.getByName("world");
  return {
    config,
    metrics,
    now,
    fetch: send,
    fleet: createFleet(config.ENGINES, { secrets: variables, fetch: send, now }),
    authenticate: createAuthenticator(config.KEY_PEPPER),
    keys: (defer) => kvKeyStore(env.KEY_CACHE, d1KeyStore(env.DB), defer),
    async flushMetrics() {
      if (metrics.isEmpty) return;
      const series = metrics.take();
      await world()
        .add(series)
        .catch(() => metrics.restore(series));
    },
    renderMetrics: () => world().render(),
    pingDatabase: () =>
      env.DB.prepare("select 1")
        .first()
        .then(
          () => true,
          () => false,
        ),
    log: (line) => console.log(JSON.stringify(line)),
    uuid: () => crypto.randomUUID(),
  };
}
