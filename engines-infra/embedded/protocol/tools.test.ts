import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { follows, madeUp, parseGbnf } from "../testing/gbnf.ts";
import { seededRandom } from "../testing/random.ts";
import { Fields, reading } from "./fields.ts";
import type { ToolCallPiece } from "./tools.ts";
import { ToolCallReader, readToolUse, toolCallGrammar } from "./tools.ts";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const time = { type: "function", function: { name: "get_time" } };

const read = (body: object) => reading(() => readToolUse(new Fields(body)));

describe("tool use", () => {
  it.each<[string, object, string, string[]]>([
    ["is off without tools", {}, "none", []],
    ["is the model's choice by default", { tools: [weather] }, "auto", ["get_weather"]],
    ["can be switched off", { tools: [weather], tool_choice: "none" }, "none", ["get_weather"]],
    [
      "can be required",
      { tools: [weather, time], tool_choice: "required" },
      "required",
      ["get_weather", "get_time"],
    ],
    [
      "can be required of one tool",
      { tools: [weather, time], tool_choice: { type: "function", function: { name: "get_time" } } },
      "required",
      ["get_time"],
    ],
  ])("%s", (_, body, mode, names) => {
    const use = read(body);
    expect(use).toMatchObject({ ok: true, value: { mode } });
    expect(use.ok && use.value.tools.map(({ name }) => name)).toEqual(names);
  });

  it.each<[string, object, string]>([
    [
      "a named tool that is not there",
      { tools: [weather], tool_choice: { function: { name: "x" } } },
      "tool_choice",
    ],
    ["a call without tools", { tool_choice: "required" }, "tool_choice"],
    ["an unknown choice", { tools: [weather], tool_choice: "maybe" }, "tool_choice"],
    ["a tool that is no function", { tools: [{ type: "retrieval" }] }, "tools[0].type"],
    [
      "a tool without a name",
      { tools: [weather, { type: "function", function: {} }] },
      "tools[1].function.name",
    ],
    [
      "a name with spaces",
      { tools: [{ type: "function", function: { name: "a b" } }] },
      "tools[0].function.name",
    ],
  ])("refuses %s", (_, body, name) => {
    expect(read(body)).toMatchObject({ ok: false, failure: { message: expect.stringContaining(name) } });
  });
});

describe("tool call", () => {
  const tools = [
    { name: "get_weather", description: "", parameters: weather.function.parameters },
    {
      name: "get_time",
      description: "",
      parameters: { type: "object", properties: {}, additionalProperties: false },
    },
  ];

  it("has a grammar that allows the tools and nothing else", () => {
    const grammar = toolCallGrammar(tools);
    const rules = parseGbnf(grammar.ok ? grammar.value : "");
    expect(follows(rules, '{"name": "get_weather", "arguments": {"city": "Oslo"}}')).toBe(true);
    expect(follows(rules, '{"name": "get_time", "arguments": {}}')).toBe(true);
    expect(follows(rules, '{"name": "get_weather", "arguments": {}}')).toBe(false);
    expect(follows(rules, '{"name": "other", "arguments": {}}')).toBe(false);
  });

  it("is read back from any text of its grammar, however the pieces fall", () => {
    const grammar = toolCallGrammar(tools);
    const rules = parseGbnf(grammar.ok ? grammar.value : "");
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 9 }), (seed, size) => {
        const text = madeUp(rules, seededRandom(seed));
        const reader = new ToolCallReader();
        const characters = [...text];
        const pieces: ToolCallPiece[] = [];
        for (let at = 0; at < characters.length; at += size) {
          const piece = reader.push(characters.slice(at, at + size).join(""));
          if (piece) pieces.push(piece);
        }
        const whole = JSON.parse(text) as { name: string; arguments: object };
        expect(pieces.map(({ name }) => name ?? "").join("")).toBe(whole.name);
        expect(pieces.slice(1).every(({ name }) => name === undefined)).toBe(true);
        expect(JSON.parse(pieces.map((piece) => piece.arguments).join(""))).toEqual(whole.arguments);
      }),
    );
  });

  it("names the schema that it cannot follow", () => {
    const broken = {
      name: "x",
      description: "",
      parameters: { type: "object", properties: { a: { pattern: "^a" } } },
    };
    expect(toolCallGrammar([broken])).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining("tools[0].function.parameters.properties.a.pattern") },
    });
  });
});
