import { type Circuit, CLOSED, nextProbeMs } from "../circuit.ts";
import { type CircuitEvent, type CircuitVerdict, decide } from "../decide.ts";
import { type Desk, type DeskStep, EMPTY_DESK, type Entering, enter, exit, pump, renew } from "../desk.ts";
import { EMPTY_LEDGER, type SlotAnswer, type SlotAsk } from "../lease.ts";
import { EMPTY_QUEUE, type QueueEntry, lengthOf } from "../queue.ts";
import { isKeptBy, restored, toKeep, usageOf } from "../slots.ts";
import type { SimEngine } from "./sim-engine.ts";
import type { World } from "./world.ts";

/** What a request that came to wait is told in the end. */
export type Turn = Exclude<Entering, { readonly waits: true }> | { readonly dropped: true };

/** What the snapshot says of one engine. */
export type Seen = {
  readonly circuit: Circuit["state"];
  /** Failures in a row: successes are worth telling then. */
  readonly failures: number;
  readonly inFlight: number;
  readonly waiting: number;
};

/** The object of an engine: the one place where its circuit, its slots and its queue are. */
export type SimObject = {
  renew(ask: SlotAsk, answer: (told: SlotAnswer) => void): void;
  enter(ask: SlotAsk, entry: QueueEntry, answer: (turn: Turn) => void): void;
  exit(id: string): void;
  report(event: CircuitEvent): Seen;
  seen(): Seen;
  restart(): void;
  readonly desk: () => Desk;
  readonly circuit: () => Circuit;
  readonly probesMs: readonly number[];
  readonly openings: () => number;
};

/** Time between two looks of an object at what has run out. */
const ALARM_MS = 500;

/** The object of an engine, with nothing lent and a closed circuit. */
export function newSimObject(world: World, engine: SimEngine): SimObject {
  const { time, scenario, policy, random } = world;
  const probesMs: number[] = [];
  let circuit = CLOSED;
  let desk = EMPTY_DESK;
  let kept = EMPTY_LEDGER;
  let openings = 0;
  let waiting = new Map<string, (turn: Turn) => void>();
  const terms = () => ({
    cap: engine.cap,
    waitingMax: scenario.waitingMax,
    serviceMsAverage: engine.averageMs(),
  });

  const tell = (id: string, turn: Turn): void => {
    waiting.get(id)?.(turn);
    waiting.delete(id);
  };
  const settle = <S extends DeskStep>(step: S): S => {
    desk = step.desk;
    if (!isKeptBy(kept, desk.ledger)) kept = toKeep(desk.ledger, time.nowMs());
    for (const { entry, answer } of step.handed) tell(entry.id, { got: answer });
    for (const { id } of step.dropped) tell(id, { dropped: true });
    return step;
  };
  const happens = (event: CircuitEvent): CircuitVerdict => {
    const verdict = decide(circuit, event, time.nowMs(), policy, random);
    circuit = verdict.next;
    if (verdict.changed?.to === "open") openings += 1;
    return verdict;
  };
  const seen = (): Seen => ({
    circuit: circuit.state,
    failures: circuit.state === "closed" ? circuit.failuresMs.length : 0,
    inFlight: usageOf(desk.ledger, time.nowMs()).inUse,
    waiting: lengthOf(desk.queue),
  });
  const probe = (): void => {
    const { probe } = happens({ type: "ask_probe" });
    if (probe === undefined) return;
    probesMs.push(time.nowMs());
    engine.probe((type) => {
      if (!world.isLost()) happens({ type, probe });
    });
  };
  const alarm = (): void => {
    settle(pump(desk, time.nowMs(), terms()));
    // Alarms come at least once, that is sometimes twice: then one of them must find nothing to do.
    const times = random() < 0.1 ? 2 : 1;
    for (let each = 0; each < times; each++) if ((nextProbeMs(circuit) ?? Infinity) <= time.nowMs()) probe();
    time.after(ALARM_MS, alarm);
  };
  time.after(ALARM_MS, alarm);

  return {
    renew: (ask, answer) => answer(settle(renew(desk, ask, time.nowMs(), terms())).answer),
    enter: (ask, entry, answer) => {
      const step = enter(desk, ask, entry, time.nowMs(), terms());
      const { outcome } = step;
      if ("waits" in outcome) waiting.set(entry.id, answer);
      else answer(outcome);
      settle(step);
    },
    exit: (id) => {
      waiting.delete(id);
      settle(exit(desk, id, time.nowMs(), terms()));
    },
    report: (event) => {
      happens(event);
      return seen();
    },
    seen,
    restart: () => {
      // The circuit is stored, and what is lent; calls that are being answered break off.
      const broken = waiting;
      waiting = new Map();
      desk = { ledger: restored(kept, time.nowMs()), queue: EMPTY_QUEUE };
      for (const answer of broken.values()) answer({ dropped: true });
    },
    desk: () => desk,
    circuit: () => circuit,
    probesMs,
    openings: () => openings,
  };
}
