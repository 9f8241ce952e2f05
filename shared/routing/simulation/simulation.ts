import type { Circuit } from "../circuit.ts";
import { lengthOf } from "../queue.ts";
import { usageOf } from "../slots.ts";
import { newSimEngine } from "./sim-engine.ts";
import { type SimIsolate, newSimIsolate } from "./sim-isolate.ts";
import type { Member } from "./sim-link.ts";
import { newSimObject } from "./sim-object.ts";
import type { Ending, SimRequest } from "./sim-request.ts";
import { type Scenario, newWorld } from "./world.ts";

/** What came of an engine. */
export type EngineReport = {
  readonly circuit: Circuit["state"];
  /** Since when the circuit is so. */
  readonly sinceMs: number;
  readonly openings: number;
  readonly probesMs: readonly number[];
  readonly failed: number;
  /** At the end: requests at work, slots lent, and requests that wait. */
  readonly working: number;
  readonly held: number;
  readonly waiting: number;
};

/** What came of a run. */
export type Report = {
  /** What happened that never may, with its time. */
  readonly violations: readonly string[];
  readonly endings: Readonly<Partial<Record<Ending | "never", number>>>;
  readonly engines: readonly EngineReport[];
  /** Calls between isolates and objects. */
  readonly calls: number;
};

/**
 * Plays a scenario: clients send requests to isolates, isolates choose engines by `plan`, hold slots of them and try again
 * by `nextStep`, and the object of each engine keeps its circuit, its slots and its queue. Nothing real takes part: a
 * minute passes in milliseconds, and the same scenario always gives the same report.
 */
export function simulate(scenario: Scenario): Report {
  const world = newWorld(scenario);
  const { time, random, between } = world;
  const members = scenario.engines.map((_, at): Member => {
    const engine = newSimEngine(world, at);
    return { engine, object: newSimObject(world, engine) };
  });
  let lives = 0;
  const born = (): SimIsolate => newSimIsolate(world, `isolate-${lives++}`, members);
  const isolates = Array.from({ length: scenario.isolates }, born);
  for (const { isolate: at, atMs } of scenario.crashes)
    time.after(atMs, () => {
      const isolate = isolates[at];
      if (!isolate) return;
      isolate.die();
      isolates[at] = born();
    });
  for (const { engine: at, atMs } of scenario.restarts) time.after(atMs, () => members[at]?.object.restart());

  const requests: SimRequest[] = [];
  const arrive = (left: number): void => {
    if (left === 0) return;
    const request = newRequest(scenario, `request-${left}`, time.nowMs(), random);
    const isolate = isolates[Math.floor(random() * isolates.length)];
    requests.push(request);
    isolate?.serve(request);
    if (random() < scenario.leaving) time.after(between(3_000), () => isolate?.leave(request));
    time.after(scenario.gapMs * 2 * random(), () => arrive(left - 1));
  };
  time.after(1, () => arrive(scenario.requests));
  time.runUntil(scenario.untilMs);

  return {
    violations: world.violations,
    endings: countedBy(requests.map(({ ended }) => ended ?? "never")),
    engines: members.map((member) => reportOf(member, time.nowMs())),
    calls: world.calls(),
  };
}

function newRequest({ deadlineMs }: Scenario, id: string, nowMs: number, random: () => number): SimRequest {
  const key = `key-${Math.floor(random() * 3)}`;
  return {
    id,
    key,
    ...(random() < 0.5 && { affinity: `session-${Math.floor(random() * 5)}` }),
    deadlineMs: nowMs + deadlineMs,
    attempts: [],
    full: new Set(),
    refused: new Set(),
    letGo: () => undefined,
    ended: undefined,
  };
}

function reportOf({ engine, object }: Member, nowMs: number): EngineReport {
  const { ledger, queue } = object.desk();
  return {
    circuit: object.circuit().state,
    sinceMs: object.circuit().sinceMs,
    openings: object.openings(),
    probesMs: object.probesMs,
    failed: engine.failed(),
    working: engine.working(),
    held: usageOf(ledger, nowMs).held,
    waiting: lengthOf(queue),
  };
}

function countedBy<K extends string>(names: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
