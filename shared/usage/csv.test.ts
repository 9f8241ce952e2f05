import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvOf } from "./csv.ts";

describe("CSV", () => {
  it("is a line of columns, then a line for each row, each with its end", () => {
    expect(
      csvOf(
        ["day", "requests"],
        [
          ["2026-11-23", 5],
          ["2026-11-24", 0],
        ],
      ),
    ).toBe("day,requests\r\n2026-11-23,5\r\n2026-11-24,0\r\n");
    expect(csvOf(["day"], [])).toBe("day\r\n");
  });

  it.each<[string | number, string]>([
    ["plain", "plain"],
    ["", ""],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["=1+1", "'=1+1"],
    ["@cf/meta/llama", "'@cf/meta/llama"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["\tx", "'\tx"],
    ['=HYPERLINK("a,b")', '"\'=HYPERLINK(""a,b"")"'],
    ["a=b", "a=b"],
    [-1, "-1"],
  ])("has %j as %j", (value, text) => {
    expect(csvOf(["c"], [[value]])).toBe(`c\r\n${text}\r\n`);
  });

  it("can be read back, and never begins a cell like a formula", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom(..."ab,\"\r\n=+-@' \t") }), { minLength: 1 }),
        (cells) => {
          const line = csvOf([], [cells]).slice(2);
          // A reader of the standard's grammar, and nothing else.
          const read = [...line.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(?:,|\r\n$)/g)].map(([, text = ""]) =>
            text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text,
          );
          expect(read.map((text) => text.replace(/^'(?=[=+\-@\t\r])/, ""))).toEqual(
            cells.map((text) => text.replace(/^'(?=[=+\-@\t\r])/, "")),
          );
          for (const text of read) expect(text).not.toMatch(/^[=+\-@\t\r]/);
        },
      ),
    );
  });
});
