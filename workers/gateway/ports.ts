import type { EngineState } from "../../shared/contracts/admin-engines.ts";
import type { FleetEngine } from "../../shared/models/resolve.ts";
import type { MetricsBuffer } from "../../shared/metrics/metrics.ts";
import type { Defer } from "./defer.ts";
import type { EngineAccess } from "./engine-access.ts";
import type { Config } from "./env.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { RequestHistory } from "./history.ts";
import type { Ledgers } from "./ledger/ledgers.ts";
import type { Authenticator } from "./middleware/authenticate.ts";
import type { AccessTokens } from "./auth/access-token.ts";
import type { Passwords } from "./auth/password.ts";
import type { UserAuthenticator } from "./middleware/authenticate-user.ts";
import type { AuditLog } from "./store/audit.ts";
import type { KeyAdminStore, NewSecret } from "./store/key-admin.ts";
import type { AuditReader } from "./store/audit-reader.ts";
import type { KeyStore } from "./store/keys.ts";
import type { ModelActionStore } from "./store/model-actions.ts";
import type { PlatformStore } from "./store/platforms.ts";
import type { RegistryStore } from "./store/registry.ts";
import type { UsageStore } from "./store/usage-query.ts";
import type { OneTimeTokenStore } from "./store/one-time-tokens.ts";
import type { SessionStore } from "./store/sessions.ts";
import type { UserStore } from "./store/users.ts";
import type { WorkspaceStore } from "./store/workspaces.ts";
import type { Throttle } from "./throttle.ts";

export type { Defer };

/** A Durable Object, as far as operators reach it. */
export type AdminObject = { fetch(url: string, init?: RequestInit): Promise<Response> };

/** What operators are told of the engines, and what the engines' keepers are told by operators. */
export type EngineControl = {
  /** The registry has been changed: whoever keeps a copy of it reads it anew. */
  changed(): Promise<void>;
  /** Every engine with what it serves, and by its id how it does. One that nobody has asked yet is absent. */
  look(): Promise<{
    readonly engines: readonly FleetEngine[];
    readonly states: Readonly<Record<string, EngineState>>;
  }>;
  /** Has an engine asked now how it is and what it serves. */
  ask(id: string): Promise<void>;
};

/** People, what they belong to, and how they sign in. */
export type Accounts = {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly workspaces: WorkspaceStore;
  readonly tokens: OneTimeTokenStore;
};

/** All that the app needs of the world. `bind.ts` answers these needs from the Worker's bindings; tests hand in their own. */
export type Ports = {
  readonly config: Config;
  readonly fleet: Fleet;
  readonly authenticate: Authenticator;
  readonly ledgers: Ledgers;
  readonly authenticateUser: UserAuthenticator;
  readonly accessTokens: AccessTokens;
  readonly passwords: Passwords;
  readonly accounts: Accounts;
  readonly throttle: Throttle;
  readonly audit: AuditLog;
  readonly auditReader: AuditReader;
  readonly registry: RegistryStore;
  readonly platforms: PlatformStore;
  readonly modelActions: ModelActionStore;
  readonly engines: EngineControl;
  readonly engineAccess: EngineAccess;
  readonly keys: (defer: Defer) => KeyStore;
  readonly usage: UsageStore;
  /** Has the objects of these keys write now what they have counted. */
  readonly flushUsage: (keyIds: readonly string[]) => Promise<void>;
  readonly keyAdmin: KeyAdminStore;
  /** Makes the secret of a key. */
  readonly newSecret: (nowMs: number) => Promise<NewSecret>;
  /**
   * Tells a key's object of the key's newest version: from then on nothing is admitted on an older one. Resolves when what
   * was lent out before has ended, within a second.
   */
  readonly fence: (keyId: string, version: number) => Promise<void>;
  readonly metrics: MetricsBuffer;
  readonly requests: RequestHistory;
  /** Hands over, now, what this isolate has counted and the requests that it has finished. */
  readonly flush: () => Promise<void>;
  /** Everything counted anywhere, as Prometheus text. */
  readonly renderMetrics: () => Promise<string>;
  /** The Durable Object of a class and name, for its admin endpoint; undefined where there is none. */
  readonly objects: (kind: string, name: string) => Promise<AdminObject | undefined>;
  /** Whether the database answers. */
  readonly pingDatabase: () => Promise<boolean>;
  readonly fetch: typeof fetch;
  readonly log: (line: Readonly<Record<string, unknown>>) => void;
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly uuid: () => string;
  /** Bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Uint8Array;
};
