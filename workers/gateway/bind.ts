import type { EngineState } from "../../shared/contracts/admin-engines.ts";
import type { EnginePort, FleetPort } from "../../shared/fleet/ports.ts";
import type { EngineStatus, FleetSnapshot } from "../../shared/fleet/snapshot.ts";
import { throttleRule } from "../../shared/limits/throttle-rules.ts";
import { MetricsBuffer } from "../../shared/metrics/metrics.ts";
import { createAccessTokens } from "./auth/access-token.ts";
import { createPasswords } from "./auth/password.ts";
import { createEngineAccess } from "./engine-access.ts";
import { Config, readConfig } from "./env.ts";
import { egressOf } from "./fleet/egress.ts";
import { createFleet } from "./fleet/fleet.ts";
import { createHistory } from "./history.ts";
import { createLedgers } from "./ledger/ledgers.ts";
import type { LedgerPort } from "./ledger/link.ts";
import { createUserAuthenticator } from "./middleware/authenticate-user.ts";
import { createAuthenticator } from "./middleware/authenticate.ts";
import { newSecret } from "./new-secret.ts";
import type { EngineControl, Ports } from "./ports.ts";
import { d1AuditLog } from "./store/audit.ts";
import { d1KeyAdmin } from "./store/key-admin.ts";
import { d1AuditReader } from "./store/audit-reader.ts";
import { d1KeyStore, kvKeyStore } from "./store/keys.ts";
import { hasLedger } from "./store/ledgers.ts";
import { d1ModelActions } from "./store/model-actions.ts";
import { d1Platforms } from "./store/platforms.ts";
import { d1Registry } from "./store/registry.ts";
import { d1Usage } from "./store/usage-query.ts";
import { d1OneTimeTokens } from "./store/one-time-tokens.ts";
import { d1Sessions } from "./store/sessions.ts";
import { d1Users } from "./store/users.ts";
import { d1Workspaces } from "./store/workspaces.ts";
import { createThrottle } from "./throttle.ts";

/** The only file that knows which binding answers which need. */
export function bindPorts(env: Env): Ports {
  const variables = env as unknown as Readonly<Record<string, unknown>>;
  const config = readConfig(variables);
  const metrics = new MetricsBuffer();
  const now = () => Date.now();
  const random = () => Math.random();
  const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const fetch = egressOf(env);
  const counters = () => env.METRICS.getByName("world");
  const fleetObject = () => env.FLEET.getByName("world");
  const requestsObject = () => env.REQUESTS.getByName("world");
  const history = createHistory(requestsObject);
  const audit = d1AuditLog(env.DB);
  const accounts = {
    users: d1Users(env.DB, audit),
    sessions: d1Sessions(env.DB, audit),
    workspaces: d1Workspaces(env.DB, audit),
    tokens: d1OneTimeTokens(env.DB, audit),
  };
  const accessTokens = createAccessTokens(config.JWT_SECRET ?? config.KEY_PEPPER);
  const flushMetrics = async () => {
    if (metrics.isEmpty) return;
    const series = metrics.take();
    await counters()
      .add(series)
      .catch(() => metrics.restore(series));
  };
  return {
    config,
    metrics,
    now,
    random,
    fetch,
    fleet: createFleet({
      secrets: variables,
      fleet: () => fleetObject() as unknown as FleetPort,
      engine: (id) => env.ENGINE.getByName(id) as unknown as EnginePort,
      now,
      random,
      newHolderId: () => crypto.randomUUID(),
    }),
    ledgers: createLedgers({
      object: (name) => env.KEY.getByName(name) as unknown as LedgerPort,
      now,
      newName: () => crypto.randomUUID(),
    }),
    audit,
    auditReader: d1AuditReader(env.DB),
    registry: d1Registry(env.DB),
    platforms: d1Platforms(env.DB),
    modelActions: d1ModelActions(env.DB),
    engines: engineControl(fleetObject, env),
    engineAccess: createEngineAccess({
      variables,
      ownNames: Object.keys(Config.shape),
      privateAllowed: config.ALLOW_PRIVATE_ENGINES,
      hasEgress: "EGRESS" in variables,
      fetch,
    }),
    usage: d1Usage(env.DB),
    async flushUsage(keyIds) {
      await Promise.all(keyIds.map((id) => env.KEY.getByName(id).flush()));
    },
    authenticate: createAuthenticator(config.KEY_PEPPER, {
      previousPepper: config.KEY_PEPPER_PREVIOUS,
      unknownKeys: throttleRule("unknownKeys", config.THROTTLE_RULES),
    }),
    keys: (defer) =>
      kvKeyStore(
        env.KEY_CACHE,
        d1KeyStore(env.DB, { pepperVersion: config.KEY_PEPPER_VERSION, defer }),
        defer,
      ),
    keyAdmin: d1KeyAdmin(env.DB),
    newSecret: (nowMs) => newSecret(config, nowMs),
    fence: async (keyId, version) => env.KEY.getByName(keyId).fence(version),
    authenticateUser: createUserAuthenticator(accessTokens, accounts.sessions),
    accessTokens,
    passwords: createPasswords(randomBytes, config.PASSWORD_COST),
    accounts,
    throttle: createThrottle(config.KEY_PEPPER, (name) => env.THROTTLE.getByName(name)),
    requests: history,
    async flush() {
      await Promise.all([flushMetrics(), history.flush()]);
    },
    renderMetrics: () => counters().render(),
    async objects(kind, name) {
      if (kind === "metrics" && name === "world") return counters();
      if (kind === "fleet" && name === "world") return fleetObject();
      if (kind === "requests" && name === "world") return requestsObject();
      if (kind === "key") return (await hasLedger(env.DB, name)) ? env.KEY.getByName(name) : undefined;
      // Only engines that are registered have an object: asking for another would make one.
      const snapshot = kind === "engine" ? await fleetObject().snapshot() : undefined;
      return snapshot?.engines.some(({ config: { id } }) => id === name)
        ? env.ENGINE.getByName(name)
        : undefined;
    },
    pingDatabase: () =>
      env.DB.prepare("select 1")
        .first()
        .then(
          () => true,
          () => false,
        ),
    log: (line) => console.log(JSON.stringify(line)),
    uuid: () => crypto.randomUUID(),
    randomBytes,
  };
}

/** What operators are told of the engines, and tell their keeper: the fleet's object knows it all. */
function engineControl(fleetObject: () => ReturnType<Env["FLEET"]["getByName"]>, env: Env): EngineControl {
  return {
    changed: () => fleetObject().changed(),
    async look() {
      const snapshot = await fleetObject().snapshot();
      const known = (snapshot?.engines ?? []) as FleetSnapshot["engines"];
      return {
        engines: known.map(({ config: { id, kind }, status }) => ({
          id,
          kind,
          reachable: status.circuit === "closed" && status.health === "ready" && !status.draining,
          models: status.models,
        })),
        states: Object.fromEntries(
          known.map(({ config: { id }, status }): [string, EngineState] => {
            const { circuit, health, draining, inFlight, waiting } = status;
            return [id, { circuit, health, draining, inFlight, waiting }];
          }),
        ),
      };
    },
    async ask(id) {
      const answer = await env.ENGINE.getByName(id).fetch("https://object/probe", { method: "POST" });
      const { status } = await answer.json<{ status: EngineStatus }>();
      // It tells the fleet by itself, and perhaps later than the operator looks.
      await fleetObject().report(id, status);
    },
  };
}
