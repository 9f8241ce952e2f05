import { DurableObject } from "cloudflare:workers";
import { AutoRouter, error, type IRequest } from "itty-router";
import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { Entered, Outcome, Served } from "../../../shared/fleet/ports.ts";
import type { EngineStatus, FleetEvent } from "../../../shared/fleet/snapshot.ts";
import {
  CIRCUIT_POLICY,
  CLOSED,
  type Circuit,
  type CircuitPolicy,
  nextProbeMs,
} from "../../../shared/routing/circuit.ts";
import { type CircuitEvent, decide } from "../../../shared/routing/decide.ts";
import {
  type Desk,
  type DeskStep,
  type DeskTerms,
  EMPTY_DESK,
  enter,
  exit,
  pump,
  renew,
} from "../../../shared/routing/desk.ts";
import { type QueueEntry, lengthOf } from "../../../shared/routing/queue.ts";
import {
  EMPTY_LEDGER,
  type SlotAnswer,
  type SlotAsk,
  type SlotLedger,
} from "../../../shared/routing/lease.ts";
import { isKeptBy, restored, toKeep, usageOf } from "../../../shared/routing/slots.ts";
import { type Address, addressOf } from "../fleet/endpoint.ts";
import { egressOf } from "../fleet/egress.ts";
import { type Probed, probe } from "../fleet/probe.ts";
import { tryEngine } from "../fleet/trial.ts";

/** Time between two looks at an engine that is well: idle, and while it works. */
const PROBE_IDLE_MS = 30_000;
const PROBE_BUSY_MS = 5_000;
/** Likewise for one that is not: at first, and at most. */
const PROBE_DOWN_MS = 1_000;
const PROBE_DOWN_MS_MAX = 300_000;
/** Shortest time between two looks that somebody asks for. */
const PROBE_DEMAND_MS = 500;
/** Time between two looks at a queue that has not moved. */
const PUMP_MS = 500;
const QUEUE_MAX = 64;
/** Time that a request is taken to need, until some have been seen. */
const SERVICE_MS_GUESS = 5_000;
/** Time between two reports of nothing but load. */
const TELL_MS = 1_000;

const UNPROBED: Probed = { health: "down", load: {} };

/**
 * The one truth about one engine: its circuit, its health and models, the slots that isolates hold of it, and the
 * requests that wait for one. Rules are in shared/routing; here are the clock, the storage and the alarm.
 */
export class EngineObject extends DurableObject<Env> {
  readonly #router = AutoRouter();
  readonly #variables: Readonly<Record<string, unknown>>;
  #config: EngineConfig | undefined;
  #draining: boolean;
  /** Drained here, at the object, beside what the registry says. */
  #held: boolean;
  #circuit: Circuit;
  #desk: Desk;
  #probed: Probed;
  #probedAtMs = 0;
  #probing: Promise<void> | undefined;
  /** Looks in a row that found it away. */
  #misses = 0;
  #serviceMs = SERVICE_MS_GUESS;
  /** What is on disk of the leases. */
  #kept: SlotLedger;
  #toldAtMs = 0;
  #pumping = false;
  readonly #waiting = new Map<string, (entered: Entered) => void>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { kv } = ctx.storage;
    this.#variables = env as unknown as Readonly<Record<string, unknown>>;
    this.#config = kv.get<EngineConfig>("config");
    this.#draining = kv.get<boolean>("draining") ?? false;
    this.#held = kv.get<boolean>("held") ?? false;
    this.#circuit = kv.get<Circuit>("circuit") ?? CLOSED;
    this.#probed = kv.get<Probed>("probed") ?? UNPROBED;
    this.#kept = kv.get<SlotLedger>("leases") ?? EMPTY_LEDGER;
    this.#desk = { ...EMPTY_DESK, ledger: restored(this.#kept, Date.now()) };
    this.#router
      .get("/state", () => this.#state())
      .post("/probe", async () => {
        // A look that has begun before may have seen what is no longer so.
        await this.#probing;
        await this.#look();
        return this.#state();
      })
      .post("/force-open", () => this.#forced({ type: "force_open" }))
      .post("/force-close", () => this.#forced({ type: "force_close" }))
      .post("/reset", () => this.#forced({ type: "reset" }))
      .post("/drain", () => this.#drained(true))
      .post("/resume", () => this.#drained(false))
      .all("*", (request: IRequest) => error(404, `There is no ${request.method} ${request.url} here.`));
  }

  /** Takes over how the engine is registered. An engine that is new, or registered anew, is asked how it is first. */
  async configure(config: EngineConfig, draining: boolean): Promise<EngineStatus> {
    const { kv } = this.ctx.storage;
    const changed = JSON.stringify(config) !== JSON.stringify(this.#config);
    if (changed) kv.put("config", (this.#config = config));
    if (draining !== this.#draining) kv.put("draining", (this.#draining = draining));
    // What is known from before will do for a start: a cold isolate must not wait for an engine that is gone.
    if (changed || this.#probed === UNPROBED) await this.#look();
    else if (this.#probedAtMs === 0) this.ctx.waitUntil(this.#look());
    return this.#status();
  }

  /** The engine is registered no more. */
  async retire(): Promise<void> {
    this.#config = undefined;
    // One that is registered anew under its id is another engine.
    this.#circuit = CLOSED;
    this.#probed = UNPROBED;
    this.#probedAtMs = this.#misses = 0;
    this.#draining = this.#held = false;
    this.#kept = EMPTY_LEDGER;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  /** Asks the engine how it is, unless it was asked just now. */
  async probeNow(): Promise<EngineStatus> {
    const restMs = Math.min(PROBE_DEMAND_MS, this.#config?.probeIntervalMs ?? PROBE_DEMAND_MS);
    if (Date.now() - this.#probedAtMs >= restMs) await this.#look();
    return this.#status();
  }

  /** What an isolate has seen. A failure is looked into at once. */
  report(outcomes: readonly Outcome[]): EngineStatus {
    for (const outcome of outcomes) this.#apply(outcome);
    if (outcomes.some(({ type }) => type === "failure")) this.ctx.waitUntil(this.probeNow());
    return this.#status();
  }

  /** An isolate's lease goes on, and it says what it has. */
  renew(ask: SlotAsk, served: Served): { answer: SlotAnswer; status: EngineStatus } {
    this.#count(served);
    const { answer } = this.#at(renew(this.#desk, ask, Date.now(), this.#terms()));
    return { answer, status: this.#status() };
  }

  /** A request wants a slot that its isolate has not: it gets one, waits for one, or is told when to come again. */
  async enter(ask: SlotAsk, entry: QueueEntry, served: Served): Promise<Entered> {
    this.#count(served);
    if (this.#isDraining()) return { refused: { reason: "draining", retryAfterMs: PROBE_BUSY_MS } };
    // Its turn may come in this very step.
    const entered = new Promise<Entered>((resolve) => this.#waiting.set(entry.id, resolve));
    const { outcome } = this.#at(enter(this.#desk, ask, entry, Date.now(), this.#terms()));
    if (!("waits" in outcome)) {
      this.#waiting.delete(entry.id);
      return outcome;
    }
    this.#keepPumping();
    return entered;
  }

  /** A request that waits has been given up. */
  leave(id: string): void {
    this.#waiting.get(id)?.({ refused: { reason: "deadline", retryAfterMs: 0 } });
    this.#waiting.delete(id);
    this.#at(exit(this.#desk, id, Date.now(), this.#terms()));
  }

  override async alarm(): Promise<void> {
    await this.#look();
  }

  /** The admin endpoint inside the object. */
  override fetch(request: Request): Promise<Response> {
    return this.#router.fetch(request) as Promise<Response>;
  }

  #terms(): DeskTerms {
    const cap =
      this.#config?.concurrencyMax ??
      this.#probed.load.slots ??
      this.#address()?.adapter.defaults.concurrencyMax;
    return {
      cap: cap ?? 1,
      waitingMax: this.#config?.queueMax ?? QUEUE_MAX,
      serviceMsAverage: this.#serviceMs,
    };
  }

  /** Takes over what came of a call to the desk, and calls those whose turn has come. */
  #at<T extends DeskStep>(step: T): T {
    this.#desk = step.desk;
    for (const { entry, answer } of step.handed) this.#call(entry, { got: answer });
    for (const entry of step.dropped)
      this.#call(entry, { refused: { reason: "deadline", retryAfterMs: this.#serviceMs } });
    // No answer leaves before it is on disk. Most calls change nothing of who holds how many.
    if (!isKeptBy(this.#kept, step.desk.ledger))
      this.ctx.storage.kv.put("leases", (this.#kept = toKeep(step.desk.ledger, Date.now())));
    if (Date.now() - this.#toldAtMs >= TELL_MS) this.#tell();
    return step;
  }

  #call(entry: QueueEntry, entered: Entered): void {
    this.#waiting.get(entry.id)?.(entered);
    this.#waiting.delete(entry.id);
  }

  /** Looks at the queue now and then while somebody waits: leases and deadlines end without a call. */
  #keepPumping(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const turn = (): void => {
      this.#at(pump(this.#desk, Date.now(), this.#terms()));
      if (this.#waiting.size > 0) setTimeout(turn, PUMP_MS);
      else this.#pumping = false;
    };
    setTimeout(turn, PUMP_MS);
  }

  #count({ count, totalMs }: Served): void {
    if (count > 0) this.#serviceMs = this.#serviceMs * 0.8 + (totalMs / count) * 0.2;
  }

  #address(): Address | undefined {
    return this.#config && addressOf(this.#config, this.#variables);
  }

  /** Asks the engine how it is, and tries it with a request where its circuit is open and the time has come. */
  #look(): Promise<void> {
    return (this.#probing ??= this.#lookNow().finally(() => {
      this.#probing = undefined;
    }));
  }

  async #lookNow(): Promise<void> {
    const config = this.#config;
    const address = this.#address();
    if (!config || !address) return;
    const fetch = egressOf(this.env);
    const before = this.#probed;
    const first = await probe(address, config, fetch);
    // A health check that costs the engine something is late on one that is busy: twice in a row is another matter.
    const busy = first.late && before.health === "ready" && this.#misses === 0;
    const probed: Probed = busy ? { ...before, load: {} } : first;
    this.#probed = { ...probed, models: lasting(probed.models, before.models) ?? listed(config) };
    this.#probedAtMs = Date.now();
    this.#misses = first.health === "ready" ? 0 : this.#misses + 1;
    const asked = this.#apply({ type: "ask_probe" });
    if (asked.allow && asked.probe !== undefined) {
      const served =
        probed.health === "ready" &&
        (await tryEngine(
          address,
          config,
          this.#probed.models?.[0],
          trialId(),
          this.#policy().probeMs,
          fetch,
        )) === "served";
      this.#apply({ type: served ? "probe_success" : "probe_failure", probe: asked.probe });
    }
    const changed = probed.health !== before.health;
    if (changed || JSON.stringify(this.#probed.models) !== JSON.stringify(before.models))
      this.ctx.storage.kv.put("probed", this.#probed);
    this.#tell(changed ? [this.#event("health", before.health, probed.health, probed.reason)] : []);
    await this.#schedule();
  }

  async #schedule(): Promise<void> {
    if (!this.#config) return;
    const nowMs = Date.now();
    const { held } = usageOf(this.#desk.ledger, nowMs);
    const restMs =
      this.#config.probeIntervalMs ??
      (this.#probed.health !== "ready"
        ? Math.min(PROBE_DOWN_MS_MAX, PROBE_DOWN_MS * 2 ** Math.min(this.#misses, 9))
        : held > 0
          ? PROBE_BUSY_MS
          : PROBE_IDLE_MS);
    // Spread, so that engines that went away together are not asked together.
    const dueMs = nowMs + restMs * (0.8 + 0.4 * Math.random());
    const circuitMs = nextProbeMs(this.#circuit);
    await this.ctx.storage.setAlarm(Math.max(nowMs + 1, Math.min(dueMs, circuitMs ?? Infinity)));
  }

  #policy(): CircuitPolicy {
    return { ...CIRCUIT_POLICY, ...this.#config?.circuit };
  }

  #apply(event: CircuitEvent): ReturnType<typeof decide> {
    const decided = decide(this.#circuit, event, Date.now(), this.#policy(), Math.random);
    if (decided.next !== this.#circuit) {
      this.#circuit = decided.next;
      this.ctx.storage.kv.put("circuit", decided.next);
    }
    if (decided.changed) {
      const { from, to, reason } = decided.changed;
      this.#tell([this.#event("circuit", from, to, reason)]);
      this.ctx.waitUntil(this.#schedule());
    }
    return decided;
  }

  #event(type: FleetEvent["type"], from: string, to: string, reason?: string): FleetEvent {
    return {
      atMs: Date.now(),
      engine: this.#config?.id ?? "",
      type,
      from,
      to,
      ...(reason !== undefined && { reason }),
    };
  }

  #status(): EngineStatus {
    const retryAtMs = nextProbeMs(this.#circuit);
    return {
      circuit: this.#circuit.state,
      health: this.#probed.health,
      draining: this.#isDraining(),
      models: this.#probed.models ?? [],
      load: this.#probed.load,
      inFlight: usageOf(this.#desk.ledger, Date.now()).inUse,
      waiting: lengthOf(this.#desk.queue),
      failing: this.#circuit.state === "closed" && this.#circuit.failuresMs.length > 0,
      ...(retryAtMs !== undefined && { retryAtMs }),
      probedAtMs: this.#probedAtMs,
    };
  }

  /** Tells the fleet. It is told again with the next change, so a message that is lost costs little. */
  #tell(events: readonly FleetEvent[] = []): void {
    if (!this.#config) return;
    this.#toldAtMs = Date.now();
    const told = this.env.FLEET.getByName("world").report(this.#config.id, this.#status(), events);
    this.ctx.waitUntil(Promise.resolve(told).catch(() => undefined));
  }

  #state() {
    const { apiKey: _, ...config } = this.#config ?? {};
    return {
      config,
      circuit: this.#circuit,
      status: this.#status(),
      reason: this.#probed.reason,
      slots: { ...usageOf(this.#desk.ledger, Date.now()), cap: this.#terms().cap },
      serviceMs: this.#serviceMs,
    };
  }

  #forced(event: CircuitEvent) {
    this.#apply(event);
    return this.#state();
  }

  #drained(draining: boolean) {
    this.ctx.storage.kv.put("held", (this.#held = draining));
    this.#tell([this.#event("drain", String(!draining), String(draining))]);
    return this.#state();
  }

  #isDraining(): boolean {
    return this.#draining || this.#held;
  }
}

/** What it serves; what it once served stays known, with the time of birth that it told first: some say "now" each time. */
function lasting(models: Probed["models"], before: Probed["models"]): Probed["models"] {
  return (
    models?.map((model) => {
      const created = before?.find(({ names }) => names[0] === model.names[0])?.created ?? model.created;
      return created === undefined ? model : { ...model, created };
    }) ?? before
  );
}

const listed = ({ models }: EngineConfig) => (models ?? []).map((name) => ({ names: [name] }));

const trialId = (): string => `req_${crypto.randomUUID().replaceAll("-", "")}`;
