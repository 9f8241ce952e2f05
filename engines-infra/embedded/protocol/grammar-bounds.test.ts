import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exceeds } from "./grammar-bounds.ts";

const BOUNDS = { sizeBytes: 1000, nesting: 3, rules: 2, alternatives: 3, repetitions: 10 };

describe("grammar bounds", () => {
  it.each<[string, string, string]>([
    ["size", `root ::= "${"é".repeat(500)}"`, "larger than 1000 bytes"],
    ["parentheses", 'root ::= (((("a"))))', "nested more than 3"],
    ["rules", 'root ::= a\na ::= b\nb ::= "x"', "more than 2 rules"],
    ["alternatives", 'root ::= "a" | ("b" | "c") | "d" | "e"', "more than 3 alternatives"],
    ["repetitions", 'root ::= "a"{0,6} "b"{5}', "more than 10 times"],
    ["repetitions without an upper end", 'root ::= "a"{11,}', "more than 10 times"],
    ["rules after a comment", "root ::= a # (\na ::= b\nb ::= [(]", "more than 2 rules"],
  ])("say what is too much: %s", (_, gbnf, complaint) => {
    expect(exceeds(gbnf, BOUNDS)).toContain(complaint);
  });

  it.each([
    'root ::= ((("a"))) (("b"){0,5}){5}',
    'root ::= "((((" [((((] [^\\](((] "\\"((((" # ((((',
    'root ::= "::= ::= {99} | | | |"',
  ])("let %j pass", (gbnf) => {
    expect(exceeds(gbnf, BOUNDS)).toBeUndefined();
  });

  it("count nothing within a text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(exceeds(`root ::= ${JSON.stringify(text)}`, { ...BOUNDS, sizeBytes: 10_000 })).toBeUndefined();
      }),
    );
  });
});
