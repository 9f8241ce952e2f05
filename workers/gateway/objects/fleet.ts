import { DurableObject } from "cloudflare:workers";
import { AutoRouter, type IRequest } from "itty-router";
import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineStatus, FleetEvent, FleetSnapshot } from "../../../shared/fleet/snapshot.ts";
import type { ModelEntry } from "../../../shared/contracts/admin-models.ts";
import { checkEngineUrls } from "../../../shared/engines/base-url.ts";
import { readConfig } from "../env.ts";
import type { RegistrySnapshot } from "../../../shared/models/snapshot.ts";
import { loadRegistry } from "../store/registry.ts";
import { AuditOutbox } from "./audit-outbox.ts";

/** Events that are kept for operators who come later. */
const EVENTS_MAX = 1_000;

/** Age at which the registry is read again. */
const RELOAD_MS = 60_000;

type Registered = Pick<RegistrySnapshot, "engines" | "drained" | "models">;
const NOTHING_REGISTERED: Registered = { engines: [], drained: [], models: [] };

function partition<T>(all: readonly T[], holds: (each: T) => boolean): [T[], T[]] {
  return [all.filter(holds), all.filter((each) => !holds(each))];
}

type Known = { config: EngineConfig; status: EngineStatus };

/**
 * The whole fleet in one place: what is registered, and the latest that each engine's object has told. Isolates fetch
 * it every other second, so that no request looks anything up; operators follow its events.
 */
export class FleetObject extends DurableObject<Env> {
  readonly #router = AutoRouter();
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #outbox: AuditOutbox;
  #engines = new Map<string, Known>();
  #models: readonly ModelEntry[] = [];
  // Begun anew, it must not count from where an isolate stands.
  #version = Date.now();
  #modelsVersion = this.#version;
  #loading: Promise<void> | undefined;
  #loadedAtMs = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#variables = env as unknown as Readonly<Record<string, unknown>>;
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, json TEXT NOT NULL)",
    );
    this.#outbox = new AuditOutbox(ctx.storage, env.DB);
    this.#router
      .get("/state", async () => shown(await this.snapshot()))
      .get("/events", (request: IRequest) => this.#events(request))
      .post("/reload", async () => {
        await this.changed();
        return shown(await this.snapshot());
      });
  }

  /** Everything that is known; undefined where it is still what the asker has. */
  async snapshot(knownVersion?: number): Promise<FleetSnapshot | undefined> {
    await (this.#loading ??= this.#load());
    if (Date.now() - this.#loadedAtMs > RELOAD_MS) this.ctx.waitUntil(this.#reload());
    if (knownVersion === this.#version) return undefined;
    return this.#snapshot();
  }

  /** Asks every engine that is not known to be well how it is now, and tells what came of it. */
  async refresh(): Promise<FleetSnapshot> {
    await (this.#loading ??= this.#load());
    await Promise.all(
      [...this.#engines.keys()].map(async (id) => this.#learn(id, await this.#engine(id).probeNow())),
    );
    return this.#snapshot();
  }

  /** The registry has changed: it is read anew, and every engine's object is told. */
  async changed(): Promise<void> {
    await (this.#loading = this.#load());
  }

  /** What an engine's object has to tell. */
  report(id: string, status: EngineStatus, events: readonly FleetEvent[] = []): void {
    this.#learn(id, status);
    for (const event of events) this.#publish(event);
  }

  /** Events that could not be written down are tried again. */
  override alarm(): Promise<void> {
    return this.#outbox.drain();
  }

  /** Operators' sockets: https://developers.cloudflare.com/durable-objects/best-practices/websockets/ */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get("upgrade") !== "websocket")
      return this.#router.fetch(request) as Promise<Response>;
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    server.send(JSON.stringify({ type: "snapshot", ...shown(await this.snapshot()) }));
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(): void {
    // Subscribers only listen.
  }

  #snapshot(): FleetSnapshot {
    const engines = [...this.#engines.values()];
    return { version: this.#version, modelsVersion: this.#modelsVersion, engines, models: this.#models };
  }

  #learn(id: string, status: EngineStatus): void {
    const known = this.#engines.get(id);
    if (!known) return;
    this.#version += 1;
    if (JSON.stringify(known.status.models) !== JSON.stringify(status.models))
      this.#modelsVersion = this.#version;
    known.status = status;
  }

  #engine(id: string) {
    return this.env.ENGINE.getByName(id);
  }

  /** What is registered; while the database is away, what was registered when it was last there. */
  async #registered(): Promise<Registered> {
    const { kv } = this.ctx.storage;
    try {
      const { engines, drained, models } = await loadRegistry(this.env.DB);
      const registered = { engines, drained, models };
      kv.put("registered", registered);
      return registered;
    } catch {
      return kv.get<Registered>("registered") ?? NOTHING_REGISTERED;
    }
  }

  /** Reads the registry again: it may have been changed by other means than the admin API. */
  async #reload(): Promise<void> {
    this.#loadedAtMs = Date.now();
    await this.#load().catch(() => undefined);
  }

  async #load(): Promise<void> {
    this.#loadedAtMs = Date.now();
    try {
      const { ENGINES: declared, ALLOW_PRIVATE_ENGINES } = readConfig(this.#variables);
      const registered = await this.#registered();
      const others = registered.engines.filter(({ id }) => !declared.some((each) => each.id === id));
      // What was registered while private addresses were allowed is not called when they no longer are.
      const policy = { privateAllowed: ALLOW_PRIVATE_ENGINES };
      const [allowed, refused] = partition(others, (config) => checkEngineUrls(config, policy).ok);
      for (const { id } of refused) console.error(JSON.stringify({ event: "engine_refused", engine: id }));
      await Promise.all(refused.map(({ id }) => this.#engine(id).retire()));
      const configs = [...declared, ...allowed];
      const drained = new Set(registered.drained);
      const gone = [...this.#engines.keys()].filter((id) => !configs.some((config) => config.id === id));
      await Promise.all(gone.map((id) => this.#engine(id).retire()));
      const known = await Promise.all(
        configs.map(async (config): Promise<[string, Known]> => [
          config.id,
          { config, status: await this.#engine(config.id).configure(config, drained.has(config.id)) },
        ]),
      );
      this.#engines = new Map(known);
      this.#models = registered.models;
      this.#version += 1;
      this.#modelsVersion = this.#version;
    } catch (error) {
      // The next one who asks tries again: a store that is away for a moment must not stay away for good.
      this.#loading = undefined;
      throw error;
    }
  }

  #publish(event: FleetEvent): void {
    const json = JSON.stringify(event);
    this.ctx.storage.sql.exec("INSERT INTO events (at_ms, json) VALUES (?, ?)", event.atMs, json);
    this.ctx.storage.sql.exec(
      "DELETE FROM events WHERE seq <= (SELECT MAX(seq) FROM events) - ?",
      EVENTS_MAX,
    );
    if (this.#outbox.put(event)) this.ctx.waitUntil(this.#outbox.drain());
    for (const socket of this.ctx.getWebSockets()) socket.send(json);
  }

  #events(request: IRequest): FleetEvent[] {
    const engine = new URL(request.url).searchParams.get("engine");
    return this.ctx.storage.sql
      .exec<{ json: string }>("SELECT json FROM events ORDER BY seq DESC LIMIT ?", EVENTS_MAX)
      .toArray()
      .map(({ json }) => JSON.parse(json) as FleetEvent)
      .filter((event) => engine === null || event.engine === engine);
  }
}

/** What operators are shown of it: keys in clear stay where they are. */
const shown = (snapshot: FleetSnapshot | undefined) =>
  snapshot && {
    ...snapshot,
    engines: snapshot.engines.map(({ config: { apiKey: _, ...config }, status }) => ({ config, status })),
  };
