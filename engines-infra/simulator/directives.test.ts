import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeDirectives, parseDirectives, takeDirectives } from "./directives.ts";
import type { Directives } from "./directives.ts";

describe("parseDirectives", () => {
  it.each<[string, Directives]>([
    ["", {}],
    ["gap=20 tokens=64 die=12", { gapMs: 20, tokens: 64, die: { unit: "events", count: 12 } }],
    ["die=t5", { die: { unit: "tokens", count: 5 } }],
    ["hang=headers", { hang: "headers" }],
    ["hang=3", { hang: { unit: "events", count: 3 } }],
    ["loading", { loading: true }],
    ["loading=50", { loading: 50 }],
    ["status=429 nousage nofinish", { status: 429, noUsage: true, noFinish: true }],
    ["on=a once", { on: "a", once: true }],
  ])("reads %j", (text, directives) => expect(parseDirectives(text)).toEqual({ ok: true, directives }));

  it.each([
    "dye=3",
    "die",
    "die=x",
    "gap=-1",
    "crlf=1",
    "status=42",
    "split=0",
    "toString=1",
    "tokens=99999999999",
    "huge=99999999999",
    "gap=99999999999",
  ])("refuses %j, so that a typo cannot pass for a test", (text) =>
    expect(parseDirectives(text)).toMatchObject({ ok: false }),
  );
});

describe("takeDirectives", () => {
  it("takes the blocks out of every text of a body and leaves the rest as it was", () => {
    const body = {
      model: "m",
      n: 1,
      messages: [{ role: "user", content: "Hello [sim die=3] world [sim]" }],
      prompt: ["[sim gap=1]x"],
    };
    expect(takeDirectives(body)).toEqual({
      body: { model: "m", n: 1, messages: [{ role: "user", content: "Hello world" }], prompt: ["x"] },
      blocks: ["die=3", "", "gap=1"],
    });
  });
});

describe("takeDirectives on hostile text", () => {
  const takenMs = (text: string): number => {
    const startedMs = performance.now();
    takeDirectives({ text });
    return performance.now() - startedMs;
  };

  // Quadratic, the first took half a minute and the last a quarter of an hour.
  it.each([
    ["blocks that never end", "[sim "],
    ["blocks of space that never end", "[sim\t "],
    ["space", "  "],
    ["blocks", " [sim]"],
  ])("reads half a million characters of %s at once", (_, piece) => {
    expect(takenMs(`${piece.repeat(500_000 / piece.length)}x`)).toBeLessThan(1000);
  });

  it("takes out what the quadratic expression took out, except for a bracket within a bracket", () => {
    const part = fc.constantFrom(" ", "\n", "[sim", "]", "die=1", "x", "[sim]", " [sim gap=1]", "[sim  a ]");
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join("");
        fc.pre(!/\[sim\s[^\]]*\[/.test(text));
        const blocks: string[] = [];
        const body = text.replace(/\s*\[sim(?:\s+([^\]]*))?\]/g, (__, inside: string | undefined) => {
          blocks.push(inside ?? "");
          return "";
        });
        expect(takeDirectives(text)).toEqual({ body, blocks });
      }),
    );
  });
});

describe("mergeDirectives", () => {
  it("skips blocks for others, and lets later ones win", () => {
    const merged = mergeDirectives(["gap=1", "on=other die=1", "on=me gap=2"], {
      names: ["me"],
      spent: new Set(),
    });
    expect(merged).toEqual({ ok: true, directives: { gapMs: 2 } });
  });

  it("obeys a `once` block a single time", () => {
    const reading = { names: [], spent: new Set<string>() };
    expect(mergeDirectives(["once die=1"], reading)).toMatchObject({ directives: { die: { count: 1 } } });
    expect(mergeDirectives(["once die=1"], reading)).toEqual({ ok: true, directives: {} });
  });
});
