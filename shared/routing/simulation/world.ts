import type { CircuitPolicy } from "../circuit.ts";
import { CIRCUIT_POLICY } from "../circuit.ts";
import { seededRandom } from "../random.ts";
import { type Timeline, newTimeline } from "./timeline.ts";

/** What an engine does to requests; `dead` refuses connections, `hung` takes them and says nothing. */
export type Mode = "ok" | "dead" | "failing" | "slow" | "busy" | "hung";

/** An engine, and how long it works on a request on average. */
export type EngineSpec = { readonly cap: number; readonly serviceMs: number };

/** Everything about a run that is not chance. */
export type Scenario = {
  readonly seed: number;
  readonly isolates: number;
  readonly engines: readonly EngineSpec[];
  readonly requests: number;
  /** Time between two requests, on average. */
  readonly gapMs: number;
  /** Share of messages between isolates and objects that are lost, and of probes whose result is; until then. */
  readonly loss: number;
  readonly lossUntilMs: number;
  readonly delayMsMax: number;
  /** Share of requests whose client leaves before long. */
  readonly leaving: number;
  readonly waitingMax: number;
  readonly deadlineMs: number;
  readonly faults: readonly {
    readonly engine: number;
    readonly fromMs: number;
    readonly forMs: number;
    readonly mode: Exclude<Mode, "ok">;
  }[];
  /** An isolate dies and another one takes its place. */
  readonly crashes: readonly { readonly isolate: number; readonly atMs: number }[];
  /** The object of an engine is restarted: what it had not stored is gone. */
  readonly restarts: readonly { readonly engine: number; readonly atMs: number }[];
  /** When the run ends. */
  readonly untilMs: number;
};

/** What all parts of a run share: its time, its chance, its network, and what must never happen. */
export type World = {
  readonly scenario: Scenario;
  readonly time: Timeline;
  readonly random: () => number;
  readonly policy: CircuitPolicy;
  /** A whole number from 1 to `most`. */
  between(most: number): number;
  /** Whether a message is lost. */
  isLost(): boolean;
  /**
   * A call: `there` runs at the other side and answers by the function that it gets; `back` runs here with the answer, or
   * with undefined where the call broke off, on the way there or back.
   */
  call<T>(there: (answer: (value: T) => void) => void, back: (value: T | undefined) => void): void;
  /** Something happened that never may. */
  violate(rule: string): void;
  readonly violations: readonly string[];
  /** Calls so far. */
  readonly calls: () => number;
};

/** Waits are short here, so that a run shows many of them. */
export const SIMULATED_POLICY: CircuitPolicy = {
  ...CIRCUIT_POLICY,
  openMs: 1_000,
  openMsMax: 8_000,
  probeMs: 4_000,
};

/** Time after which a caller notices that its call broke off. */
const BROKEN_MS = 300;

/** A world at time 0. */
export function newWorld(scenario: Scenario): World {
  const time = newTimeline();
  const random = seededRandom(scenario.seed);
  const violations: string[] = [];
  const between = (most: number) => 1 + Math.floor(random() * most);
  let calls = 0;
  const isLost = () => random() < scenario.loss && time.nowMs() < scenario.lossUntilMs;
  return {
    scenario,
    time,
    random,
    policy: SIMULATED_POLICY,
    between,
    violations,
    violate: (rule) => violations.push(`${Math.round(time.nowMs())} ms: ${rule}`),
    calls: () => calls,
    isLost,
    call: (there, back) => {
      calls += 1;
      if (isLost()) {
        time.after(BROKEN_MS, () => back(undefined));
        return;
      }
      time.after(between(scenario.delayMsMax), () =>
        there((value) => {
          if (isLost()) time.after(BROKEN_MS, () => back(undefined));
          else time.after(between(scenario.delayMsMax), () => back(value));
        }),
      );
    },
  };
}
