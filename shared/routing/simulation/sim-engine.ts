import type { RetryFault } from "../retry.ts";
import type { Mode, World } from "./world.ts";

/** A request at an engine. */
type Work = {
  /** Whether the slot that it was begun on is still lent to its isolate. */
  readonly isOnLease: () => boolean;
  readonly end: (fault: RetryFault | undefined) => void;
};

/** An engine as the isolates and its object meet it. */
export type SimEngine = {
  readonly id: string;
  readonly cap: number;
  mode: Mode;
  /** Begins a request; `end` is told once, unless it is aborted by the function that comes back. */
  begin(work: Work): () => void;
  /** Answers a probe, or does not. */
  probe(end: (result: "probe_success" | "probe_failure") => void): void;
  /** What was sent to it and failed there, and how many it works on. */
  readonly failed: () => number;
  readonly working: () => number;
  /** How long it worked on a request of late, in milliseconds. */
  readonly averageMs: () => number;
};

/** Wait for an answer's first byte, and for a probe's. */
export const FIRST_BYTE_MS = 5_000;
const PROBE_MS = 3_000;

/** An engine that works on requests as long as the scenario says, and breaks when it says. */
export function newSimEngine(world: World, at: number): SimEngine {
  const { scenario, time, random, between } = world;
  const { cap, serviceMs } = scenario.engines[at] ?? { cap: 1, serviceMs: 1 };
  const works = new Set<Work>();
  let failed = 0;
  let averageMs = serviceMs;
  // Without lost messages and memories no lease runs out under a request: then there are no excuses.
  const strict = scenario.loss === 0 && scenario.restarts.length === 0 && scenario.crashes.length === 0;

  const finish = (work: Work, fault: RetryFault | undefined): void => {
    if (!works.delete(work)) return;
    if (fault?.class === "failure") failed += 1;
    work.end(fault);
  };
  const check = (): void => {
    const counted = strict ? works.size : [...works].filter((work) => work.isOnLease()).length;
    if (counted > cap) world.violate(`engine ${at} works on ${counted} of ${cap}`);
  };
  const engine: SimEngine = {
    id: `engine-${at}`,
    cap,
    mode: "ok",
    begin: (work) => {
      works.add(work);
      check();
      const { mode } = engine;
      const workMs = serviceMs * (0.5 + random()) * (mode === "slow" ? 8 : 1);
      if (mode === "dead")
        time.after(between(5), () => finish(work, { class: "failure", unreachable: true }));
      else if (mode === "failing") time.after(between(10), () => finish(work, { class: "failure" }));
      else if (mode === "busy")
        time.after(between(5), () => finish(work, { class: "overload", retryAfterMs: 1_000 }));
      else if (mode === "hung")
        time.after(FIRST_BYTE_MS, () => finish(work, { class: "failure", timeout: "first byte" }));
      else
        time.after(workMs, () => {
          averageMs = 0.8 * averageMs + 0.2 * workMs;
          finish(work, undefined);
        });
      return () => works.delete(work);
    },
    probe: (end) => {
      const isThere = () => engine.mode === "ok" || engine.mode === "slow" || engine.mode === "busy";
      time.after(engine.mode === "hung" ? PROBE_MS : between(50), () =>
        end(isThere() ? "probe_success" : "probe_failure"),
      );
    },
    failed: () => failed,
    working: () => works.size,
    averageMs: () => averageMs,
  };
  for (const fault of scenario.faults.filter((each) => each.engine === at)) {
    time.after(fault.fromMs, () => {
      engine.mode = fault.mode;
      // A process that dies takes its requests along.
      if (fault.mode === "dead") for (const work of works) finish(work, { class: "failure" });
    });
    time.after(fault.fromMs + fault.forMs, () => (engine.mode = "ok"));
  }
  return engine;
}
