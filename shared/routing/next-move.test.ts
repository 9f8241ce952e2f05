import { describe, expect, it } from "vitest";
import { type Journey, type Move, nextMove } from "./next-move.ts";
import { type Attempted, RETRY_POLICY } from "./retry.ts";

const failed = (...engines: string[]): Attempted[] =>
  engines.map((engine) => ({ engine, fault: { class: "failure" }, endedMs: 0 }));
const journey = (changes: Partial<Journey>): Journey => ({
  order: ["a", "b", "c"],
  attempts: [],
  full: [],
  refused: [],
  ...changes,
});
const all = ["a", "b", "c"];

describe("nextMove", () => {
  it.each<[string, Partial<Journey>, Move]>([
    ["begins with the best engine", {}, { do: "ask", engine: "a" }],
    ["asks the next where that one is full", { full: ["a"] }, { do: "ask", engine: "b" }],
    ["asks the next where that one failed", { attempts: failed("a") }, { do: "ask", engine: "b" }],
    ["waits for the best where all are full", { full: all }, { do: "wait", engine: "a" }],
    [
      "waits for another where its queue is full too",
      { full: all, refused: ["a"] },
      { do: "wait", engine: "b" },
    ],
    [
      "rather waits for a full engine than asks a broken one again",
      { attempts: failed("a", "b"), full: ["c"] },
      { do: "wait", engine: "c" },
    ],
    [
      "asks a broken one again where no queue takes it",
      { attempts: failed("a", "b"), full: ["c"], refused: ["c"] },
      { do: "pause", engine: "a", delayMs: 250 },
    ],
    [
      "asks again without a pause where enough time has passed",
      { order: ["a"], attempts: [{ ...failed("a")[0], endedMs: -250 } as Attempted] },
      { do: "ask", engine: "a" },
    ],
    [
      "waits for a broken one that is full where enough time has passed",
      { order: ["a"], full: ["a"], attempts: [{ ...failed("a")[0], endedMs: -250 } as Attempted] },
      { do: "wait", engine: "a" },
    ],
    [
      "pauses before it waits for a broken one that is full",
      { order: ["a"], full: ["a"], attempts: failed("a") },
      { do: "pause", engine: "a", delayMs: 250 },
    ],
    [
      "gives up where no queue takes it",
      { full: all, refused: all },
      { do: "give_up", reason: "overloaded" },
    ],
    [
      "gives up where all have failed too often",
      { order: ["a"], attempts: failed("a", "a", "a") },
      { do: "give_up", reason: "exhausted" },
    ],
    ["gives up where there is no engine", { order: [] }, { do: "give_up", reason: "no_engine" }],
    [
      "gives up a client's mistake",
      { attempts: [{ engine: "a", fault: { class: "client_fault" }, endedMs: 0 }] },
      { do: "give_up", reason: "client_fault" },
    ],
  ])("%s", (_, changes, move) => {
    expect(nextMove(journey(changes), 0, 60_000, RETRY_POLICY, () => 0.5)).toEqual(move);
  });

  it("gives up at the deadline, wherever there would be room", () => {
    for (const full of [[], all])
      expect(nextMove(journey({ full }), 60_000, 60_000, RETRY_POLICY, () => 0.5)).toEqual({
        do: "give_up",
        reason: "deadline",
      });
  });
});
