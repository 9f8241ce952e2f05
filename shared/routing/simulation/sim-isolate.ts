import { nextMove } from "../next-move.ts";
import { plan } from "../plan.ts";
import { RETRY_POLICY, type RetryFault } from "../retry.ts";
import { type Member, type SimLink, newSimLink } from "./sim-link.ts";
import type { Ending, SimRequest } from "./sim-request.ts";
import type { World } from "./world.ts";

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

const nothing = (): void => undefined;

/** An isolate with nothing in its hands. */
export function newSimIsolate(world: World, id: string, members: readonly Member[]): SimIsolate {
  const { time, random } = world;
  let alive = true;
  const links = members.map((member) => newSimLink(world, member, id, () => alive));
  const requests = new Set<SimRequest>();

  const end = (request: SimRequest, ending: Ending): void => {
    if (request.ended) world.violate(`${request.id} ended as ${request.ended} and as ${ending}`);
    request.ended = ending;
    requests.delete(request);
  };

  /** Chooses what to do next: the plan is made anew each time, so it knows what was learnt meanwhile. */
  const step = (request: SimRequest): void => {
    const { attempts, full, refused, deadlineMs, affinity } = request;
    const views = links.map((link) => link.view());
    const asked = { priority: "normal" as const, ...(affinity && { affinity }) };
    const { order } = plan(views, asked, time.nowMs(), random);
    const journey = { order, attempts, full: [...full], refused: [...refused] };
    const move = nextMove(journey, time.nowMs(), deadlineMs, RETRY_POLICY, random);
    if (move.do === "give_up") return end(request, move.reason);
    const link = links.find(({ engine }) => engine.id === move.engine);
    if (!link) return world.violate(`${request.id} is to go to ${move.engine}`);
    if (move.do === "pause") pause(request, link, move.delayMs);
    else obtain(request, link, move.do === "wait");
  };

  const pause = (request: SimRequest, link: SimLink, delayMs: number): void =>
    time.after(delayMs, () => {
      if (request.ended) return;
      // Much can have changed meanwhile.
      forget(request);
      if (link.state() === "closed") obtain(request, link, false);
      else step(request);
    });

  const obtain = (request: SimRequest, link: SimLink, waits: boolean): void => {
    if (link.take()) return send(request, link);
    request.letGo = link.ask(request, waits, (turn) => {
      request.letGo = nothing;
      const taken = link.take();
      if (taken && link.state() === "closed") return send(request, link);
      // It opened while the request waited for its slot.
      if (taken) link.giveBack();
      else if (turn && "got" in turn) request.full.add(link.engine.id);
      else if (turn && "refused" in turn) request.refused.add(link.engine.id);
      // A call that broke off says nothing about the engine: it is no attempt.
      time.after(turn ? 0 : AGAIN_MS, () => {
        if (!request.ended) step(request);
      });
    });
  };

  const send = (request: SimRequest, link: SimLink): void => {
    const { engine } = link;
    if (link.state() !== "closed")
      world.violate(`${request.id} was sent to ${engine.id}, which is ${link.state()}`);
    const sentMs = time.nowMs();
    const abort = engine.begin({
      isOnLease: link.lease(),
      end: (fault) => {
        if (!alive) return;
        request.letGo = nothing;
        link.giveBack();
        if (fault) return fail(request, link, fault, sentMs);
        link.succeeded(sentMs);
        end(request, "answered");
      },
    });
    request.letGo = () => {
      abort();
      if (alive) link.giveBack();
    };
  };

  const fail = (request: SimRequest, link: SimLink, fault: RetryFault, sentMs: number): void => {
    request.attempts.push({ engine: link.engine.id, fault, endedMs: time.nowMs() });
    forget(request);
    link.failed(fault.class === "failure" ? "failure" : "overload", sentMs);
    step(request);
  };

  const forget = ({ full, refused }: SimRequest): void => {
    full.clear();
    refused.clear();
  };

  const every = (periodMs: number, work: (link: SimLink) => void): void => {
    const turn = (): void => {
      if (!alive) return;
      for (const link of links) work(link);
      time.after(periodMs, turn);
    };
    time.after(world.between(periodMs), turn);
  };
  every(TICK_MS, (link) => link.tick());
  every(SNAPSHOT_MS, (link) => link.look());

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
