import type { CircuitEvent } from "../decide.ts";
import type { EngineView } from "../engine-view.ts";
import {
  type Holder,
  accept,
  askFor,
  newHolder,
  release,
  renewalDue,
  startWaiting,
  stopWaiting,
  take,
  limitOf,
} from "../holder.ts";
import { plan } from "../plan.ts";
import { RETRY_POLICY, type RetryFault } from "../retry.ts";
import { nextMove } from "../next-move.ts";
import { type CircuitState, stateAsSeen } from "../circuit.ts";
import type { SlotAnswer } from "../lease.ts";
import type { SimEngine } from "./sim-engine.ts";
import type { Seen, SimObject, Turn } from "./sim-object.ts";
import type { Ending, SimRequest } from "./sim-request.ts";
import type { World } from "./world.ts";

/** An engine with its object, as the fleet knows it. */
export type Member = { readonly engine: SimEngine; readonly object: SimObject };

/** What an isolate knows of a member and holds of it. */
type Link = Member & { holder: Holder; seen: Seen; lastFailureMs: number | undefined; untold: number };

/** A Worker's isolate: it serves requests with what it knows, which is old. */
export type SimIsolate = {
  serve(request: SimRequest): void;
  leave(request: SimRequest): void;
  die(): void;
};

/** Age of a snapshot when it is replaced, time between two looks at leases, and pause before a broken call is repeated. */
const SNAPSHOT_MS = 2_000;
const TICK_MS = 500;
const AGAIN_MS = 50;

/** An isolate with nothing in its hands. */
export function newSimIsolate(world: World, id: string, members: readonly Member[]): SimIsolate {
  const { time, random } = world;
  const links = members.map((member): Link => ({
    ...member,
    holder: newHolder(id),
    seen: member.object.seen(),
    lastFailureMs: undefined,
    untold: 0,
  }));
  const requests = new Set<SimRequest>();
  let alive = true;

  const stateOf = ({ seen, untold }: Link): CircuitState => stateAsSeen(seen.circuit, untold, world.policy);
  const views = (): EngineView[] => links.map((link) => ({ ...viewOf(link), circuit: stateOf(link) }));
  const viewOf = ({ engine, holder, seen, lastFailureMs }: Link): EngineView => ({
    id: engine.id,
    kind: "vllm",
    weight: 1,
    circuit: seen.circuit,
    health: "ready",
    draining: false,
    concurrencyMax: engine.cap,
    inFlight: seen.inFlight,
    localInFlight: holder.inUse,
    waiting: seen.waiting,
    load: {},
    ...(lastFailureMs !== undefined && { lastFailureMs }),
  });

  const end = (request: SimRequest, ending: Ending): void => {
    if (request.ended) world.violate(`${request.id} ended as ${request.ended} and as ${ending}`);
    request.ended = ending;
    requests.delete(request);
  };
  const later = (request: SimRequest, delayMs: number): void =>
    time.after(delayMs, () => {
      if (!request.ended) step(request);
    });

  /** Chooses what to do next: the plan is made anew each time, so it knows what was learnt meanwhile. */
  const step = (request: SimRequest): void => {
    const { order } = plan(
      views(),
      { priority: "normal", ...(request.affinity && { affinity: request.affinity }) },
      time.nowMs(),
      random,
    );
    const { attempts, full, refused, deadlineMs } = request;
    const journey = { order, attempts, full: [...full], refused: [...refused] };
    const move = nextMove(journey, time.nowMs(), deadlineMs, RETRY_POLICY, random);
    if (move.do === "give_up") return end(request, move.reason);
    const link = links.find(({ engine }) => engine.id === move.engine);
    if (!link) return;
    if (move.do === "pause") pause(request, link, move.delayMs);
    else obtain(request, link, move.do === "wait");
  };
  const pause = (request: SimRequest, link: Link, delayMs: number): void =>
    time.after(delayMs, () => {
      if (request.ended) return;
      // Much can have changed in a pause.
      request.full.clear();
      request.refused.clear();
      if (stateOf(link) === "closed") obtain(request, link, false);
      else step(request);
    });

  const obtain = (request: SimRequest, link: Link, waits: boolean): void => {
    const { holder, taken } = take(link.holder, time.nowMs());
    link.holder = holder;
    if (taken) return send(request, link);
    link.holder = startWaiting(link.holder);
    ask(request, link, waits);
  };

  const ask = (request: SimRequest, link: Link, waits: boolean): void => {
    const asked = askFor(link.holder, time.nowMs());
    link.holder = asked.holder;
    const { object } = link;
    const entry = {
      id: request.id,
      key: request.key,
      priority: "normal" as const,
      deadlineMs: request.deadlineMs,
      holder: id,
    };
    request.letGo = () => {
      link.holder = stopWaiting(link.holder);
      world.call<void>(
        (done) => done(object.exit(request.id)),
        () => undefined,
      );
    };
    world.call<Turn>(
      (answer) =>
        waits
          ? object.enter(asked.ask, entry, answer)
          : object.renew(asked.ask, (told) => answer({ got: told })),
      (turn) => {
        if (alive && !request.ended) arrive(request, link, turn);
      },
    );
  };

  const arrive = (request: SimRequest, link: Link, turn: Turn | undefined): void => {
    if (turn && "got" in turn) link.holder = accept(link.holder, turn.got, time.nowMs());
    link.holder = stopWaiting(link.holder);
    const { holder, taken } = take(link.holder, time.nowMs());
    link.holder = holder;
    if (taken && stateOf(link) === "closed") return send(request, link);
    // It opened while the request waited for its slot.
    if (taken) giveBack(link);
    else if (turn && "got" in turn) request.full.add(link.engine.id);
    else if (turn && "refused" in turn) request.refused.add(link.engine.id);
    request.letGo = () => undefined;
    // A call that broke off says nothing about the engine: it is no attempt.
    later(request, turn ? 0 : AGAIN_MS);
  };

  const send = (request: SimRequest, link: Link): void => {
    const { engine } = link;
    if (stateOf(link) !== "closed")
      world.violate(`${request.id} sent to ${engine.id}, which is ${stateOf(link)}`);
    const sentMs = time.nowMs();
    const { epoch } = link.holder;
    const abort = engine.begin({
      isOnLease: () => alive && link.holder.epoch === epoch && limitOf(link.holder, time.nowMs()) > 0,
      end: (fault) => {
        if (!alive) return;
        request.letGo = () => undefined;
        giveBack(link);
        if (fault) fail(request, link, fault, sentMs);
        else {
          end(request, "answered");
          // Nobody needs to hear of a success where there was no failure.
          if (link.seen.failures > 0 || link.lastFailureMs !== undefined)
            report(link, { type: "success", sentMs });
          link.lastFailureMs = undefined;
        }
      },
    });
    request.letGo = () => {
      abort();
      if (alive) giveBack(link);
    };
  };

  const fail = (request: SimRequest, link: Link, fault: RetryFault, sentMs: number): void => {
    request.attempts.push({ engine: link.engine.id, fault, endedMs: time.nowMs() });
    request.full.clear();
    request.refused.clear();
    if (fault.class === "failure") {
      link.lastFailureMs = time.nowMs();
      link.untold += 1;
      report(link, { type: "failure", sentMs });
    } else if (fault.class === "overload") report(link, { type: "overload", sentMs });
    step(request);
  };

  const report = (link: Link, event: CircuitEvent, times = 5): void =>
    world.call<Seen>(
      (answer) => answer(link.object.report(event)),
      (seen) => {
        if (!alive) return;
        if (!seen && times > 1) return report(link, event, times - 1);
        if (seen) link.seen = seen;
        if (event.type === "failure") link.untold -= 1;
      },
    );

  const giveBack = (link: Link): void => {
    link.holder = release(link.holder);
    if (renewalDue(link.holder, time.nowMs())) call(link);
  };
  const call = (link: Link): void => {
    const asked = askFor(link.holder, time.nowMs());
    link.holder = asked.holder;
    world.call<SlotAnswer>(
      (answer) => link.object.renew(asked.ask, answer),
      (told) => {
        if (alive && told) link.holder = accept(link.holder, told, time.nowMs());
      },
    );
  };

  const tick = (): void => {
    if (!alive) return;
    for (const link of links) if (renewalDue(link.holder, time.nowMs())) call(link);
    time.after(TICK_MS, tick);
  };
  const look = (): void => {
    if (!alive) return;
    for (const link of links)
      world.call<Seen>(
        (answer) => answer(link.object.seen()),
        (seen) => {
          if (seen) link.seen = seen;
        },
      );
    time.after(SNAPSHOT_MS, look);
  };
  time.after(world.between(TICK_MS), tick);
  time.after(world.between(SNAPSHOT_MS), look);

  return {
    serve: (request) => {
      requests.add(request);
      step(request);
    },
    leave: (request) => {
      if (request.ended) return;
      request.letGo();
      end(request, "client_gone");
    },
    die: () => {
      alive = false;
      for (const request of requests) {
        end(request, "isolate_died");
        // The engine and the object notice that connections are gone, a little later.
        time.after(world.between(30), request.letGo);
      }
    },
  };
}
