import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineEvent, EngineFault } from "../engines/engine.ts";
import { ChoiceMerger } from "./choice-merger.ts";

const delta = (content: string, index = 0): EngineEvent => ({ type: "delta", index, content });
const finish = (index = 0): EngineEvent => ({ type: "finish", index, reason: "stop" });
const usage = (prompt: number, completion: number): EngineEvent => ({
  type: "usage",
  usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});
const done: EngineEvent = { type: "done" };
const fault: EngineFault = { class: "failure", status: 502, message: "out of memory" };
const error: EngineEvent = { type: "error", fault };
const broke = (message: string): EngineEvent => ({
  type: "error",
  fault: { class: "failure", status: 502, message },
});

describe("the streams of several choices", () => {
  it("are one, whose end and usage come when the last of them has come to its end", () => {
    const merger = new ChoiceMerger(2);
    expect(merger.take(1, [delta("b")])).toEqual([delta("b", 1)]);
    expect(merger.take(0, [delta("a"), finish(), usage(4, 1), done])).toEqual([delta("a", 0), finish(0)]);
    expect(merger.end(0)).toEqual([]);
    expect(merger.take(1, [finish(), usage(4, 2)])).toEqual([finish(1)]);
    expect(merger.take(1, [done])).toEqual([usage(4, 3), done]);
    expect(merger.end(1)).toEqual([]);
  });

  it("fail where one of them fails, and nothing is believed after that", () => {
    const merger = new ChoiceMerger(3);
    expect(merger.take(2, [delta("c"), error, delta("d")])).toEqual([delta("c", 2), error]);
    expect(merger.take(0, [delta("a"), finish(), done])).toEqual([]);
    expect(merger.take(1, [error])).toEqual([]);
    expect(merger.end(1)).toEqual([]);
  });

  it("fail where one of them ends without its end mark, whatever the others do", () => {
    const merger = new ChoiceMerger(2);
    merger.take(0, [delta("a"), finish()]);
    expect(merger.end(0)).toEqual([broke("the stream broke off before its end")]);
  });

  it("fail where one of them ends without a finish reason", () => {
    const merger = new ChoiceMerger(2);
    expect(merger.take(0, [delta("a"), done])).toEqual([
      delta("a", 0),
      broke("it ended the stream without a finish reason"),
    ]);
  });

  it("number the choices prompt by prompt, and wait for each prompt's end", () => {
    const merger = new ChoiceMerger(2, 2);
    expect(merger.take(1, [delta("x", 0), delta("y", 1)])).toEqual([delta("x", 1), delta("y", 3)]);
    expect(merger.take(1, [finish(0), finish(1), done])).toEqual([finish(1), finish(3)]);
    expect(merger.take(0, [finish(0), done])).toEqual([
      finish(0),
      broke("it ended the stream without a finish reason"),
    ]);
  });

  it("tell no usage where one of them told none, so that all of it is counted alike", () => {
    const merger = new ChoiceMerger(2);
    merger.take(0, [finish(), usage(4, 1), done]);
    expect(merger.take(1, [finish(), done])).toEqual([finish(1), done]);
  });

  it("are not waited for where one of them ends early", () => {
    const merger = new ChoiceMerger(2);
    merger.take(0, [finish(), { type: "done", early: true }]);
    expect(merger.take(1, [finish(), done])).toEqual([finish(1), { type: "done", early: true }]);
  });
});

describe("however the streams of several choices interleave", () => {
  const texts = fc.array(fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  });
  const whole = (pieces: readonly string[]): EngineEvent[] => [
    ...pieces.map((piece) => delta(piece)),
    finish(),
    usage(7, pieces.length),
    done,
  ];
  /** Gives the streams' events one by one, in an order that `turns` decides. */
  function merged(streams: readonly EngineEvent[][], turns: readonly number[]) {
    const merger = new ChoiceMerger(streams.length);
    const left = streams.map((events) => [...events]);
    const out: EngineEvent[] = [];
    for (let turn = 0; left.some((events) => events.length > 0); turn++) {
      const open = left.flatMap((events, at) => (events.length > 0 ? [at] : []));
      const at = open[(turns[turn % turns.length] ?? 0) % open.length] ?? 0;
      out.push(...merger.take(at, left[at]?.splice(0, 1) ?? []));
      if (left[at]?.length === 0) out.push(...merger.end(at));
    }
    return out;
  }
  const turns = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 20 });

  it("each choice says what it said, and the end comes once and last", () => {
    fc.assert(
      fc.property(texts, turns, (pieces, order) => {
        const out = merged(pieces.map(whole), order);
        for (const [at, own] of pieces.entries())
          expect(out.filter((event) => "index" in event && event.index === at)).toEqual([
            ...own.map((piece) => delta(piece, at)),
            finish(at),
          ]);
        expect(out.slice(-2)).toEqual([usage(7, pieces.flat().length), done]);
        expect(out.filter(({ type }) => type === "usage" || type === "done")).toHaveLength(2);
      }),
    );
  });

  it("a fault of one of them is the last thing said, and said once", () => {
    fc.assert(
      fc.property(texts, turns, fc.nat(), fc.nat(), (pieces, order, which, where) => {
        const streams = pieces.map(whole);
        const sick = streams[which % streams.length] ?? [];
        sick.splice(where % sick.length, 0, error);
        const out = merged(streams, order);
        expect(out.at(-1)).toEqual(error);
        expect(out.filter(({ type }) => type === "error")).toHaveLength(1);
        expect(out.some(({ type }) => type === "done" || type === "usage")).toBe(false);
      }),
    );
  });
});
