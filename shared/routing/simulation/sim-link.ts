import { type CircuitState, stateAsSeen } from "../circuit.ts";
import type { CircuitEvent } from "../decide.ts";
import type { EngineView } from "../engine-view.ts";
import {
  type Holder,
  accept,
  askFor,
  limitOf,
  newHolder,
  release,
  renewalDue,
  startWaiting,
  stopWaiting,
  take,
} from "../holder.ts";
import type { SlotAnswer } from "../lease.ts";
import type { SimEngine } from "./sim-engine.ts";
import type { Seen, SimObject, Turn } from "./sim-object.ts";
import type { SimRequest } from "./sim-request.ts";
import type { World } from "./world.ts";

/** An engine with its object, as the fleet knows it. */
export type Member = { readonly engine: SimEngine; readonly object: SimObject };

/** What an isolate knows of one engine and holds of it. */
export type SimLink = {
  readonly engine: SimEngine;
  view(): EngineView;
  state(): CircuitState;
  /** Takes a slot, where one is at hand. */
  take(): boolean;
  /** Asks for a slot; `turn` is told what came of it, undefined where the call broke off. Returns how to give up. */
  ask(request: SimRequest, waits: boolean, turn: (told: Turn | undefined) => void): () => void;
  giveBack(): void;
  /** Whether the slots that are held now still are. */
  lease(): () => boolean;
  succeeded(sentMs: number): void;
  failed(kind: "failure" | "overload", sentMs: number): void;
  /** Renews the lease, where it is time to. */
  tick(): void;
  /** Takes a new snapshot. */
  look(): void;
};

/** How often a report is repeated whose call broke off. */
const REPORTS_MAX = 5;

/** The link of an isolate that has just begun. After its death nothing that arrives changes it. */
export function newSimLink(
  world: World,
  { engine, object }: Member,
  id: string,
  isAlive: () => boolean,
): SimLink {
  const { time, policy } = world;
  let holder: Holder = newHolder(id);
  let seen: Seen = object.seen();
  let lastFailureMs: number | undefined;
  let untold = 0;

  const take_ = (): boolean => {
    const after = take(holder, time.nowMs());
    holder = after.holder;
    return after.taken;
  };
  const renewNow = (): void => {
    const asked = askFor(holder, time.nowMs());
    holder = asked.holder;
    world.call<SlotAnswer>(
      (answer) => object.renew(asked.ask, answer),
      (told) => {
        if (isAlive() && told) holder = accept(holder, told, time.nowMs());
      },
    );
  };
  const tick = (): void => {
    if (renewalDue(holder, time.nowMs())) renewNow();
  };
  const report = (event: CircuitEvent, times = REPORTS_MAX): void =>
    world.call<Seen>(
      (answer) => answer(object.report(event)),
      (told) => {
        if (!isAlive()) return;
        if (!told && times > 1) return report(event, times - 1);
        if (told) seen = told;
        if (event.type === "failure") untold -= 1;
      },
    );

  return {
    engine,
    view: () => ({
      id: engine.id,
      kind: "vllm",
      weight: 1,
      circuit: stateAsSeen(seen.circuit, untold, policy),
      health: "ready",
      draining: false,
      concurrencyMax: engine.cap,
      inFlight: seen.inFlight,
      localInFlight: holder.inUse,
      waiting: seen.waiting,
      load: {},
      ...(lastFailureMs !== undefined && { lastFailureMs }),
    }),
    state: () => stateAsSeen(seen.circuit, untold, policy),
    take: take_,
    ask: (request, waits, turn) => {
      const asked = askFor(startWaiting(holder), time.nowMs());
      holder = asked.holder;
      const { id: requestId, key, deadlineMs } = request;
      const entry = { id: requestId, key, priority: "normal" as const, deadlineMs, holder: id };
      world.call<Turn>(
        (answer) =>
          waits
            ? object.enter(asked.ask, entry, answer)
            : object.renew(asked.ask, (told) => answer({ got: told })),
        (told) => {
          if (!isAlive() || request.ended) return;
          if (told && "got" in told) holder = accept(holder, told.got, time.nowMs());
          holder = stopWaiting(holder);
          turn(told);
        },
      );
      return () => {
        holder = stopWaiting(holder);
        world.call<void>(
          (done) => done(object.exit(requestId)),
          () => undefined,
        );
      };
    },
    giveBack: () => {
      holder = release(holder);
      tick();
    },
    lease: () => {
      const { epoch } = holder;
      return () => isAlive() && holder.epoch === epoch && limitOf(holder, time.nowMs()) > 0;
    },
    succeeded: (sentMs) => {
      // Nobody needs to hear of a success where there was no failure.
      if (seen.failures > 0 || lastFailureMs !== undefined) report({ type: "success", sentMs });
      lastFailureMs = undefined;
    },
    failed: (kind, sentMs) => {
      if (kind === "failure") {
        lastFailureMs = time.nowMs();
        untold += 1;
      }
      report({ type: kind, sentMs });
    },
    tick,
    look: () =>
      world.call<Seen>(
        (answer) => answer(object.seen()),
        (told) => {
          if (told) seen = told;
        },
      ),
  };
}
