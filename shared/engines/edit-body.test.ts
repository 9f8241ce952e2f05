import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editBody } from "./edit-body.ts";

const name = fc.oneof(
  fc.constantFrom("model", "stream", "tools", "max_tokens", 'a"b', "{", "é"),
  fc.string(),
);
const body = fc
  .dictionary(name, fc.jsonValue(), { noNullPrototype: true })
  .map((rest) => ({ model: "m", ...rest }) as Record<string, unknown>);
const edits = fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true, maxKeys: 3 });

describe("editBody", () => {
  it("gives the text of the edited object, however the body was written", () => {
    fc.assert(
      fc.property(
        body,
        edits,
        fc.array(name, { maxLength: 3 }),
        fc.constantFrom(0, 1, "\t"),
        fc.constantFrom("", " ", "\r\n\t "),
        (object, set, remove, indent, space) => {
          const text = space + JSON.stringify(object, null, indent) + space;
          const parsed = JSON.parse(text) as Record<string, unknown>;
          const expected: Record<string, unknown> = { ...parsed, ...set };
          // What is set and removed at once: removed where the body has to be written anew, which no adapter relies on.
          fc.pre(!remove.some((each) => each in set));
          for (const each of remove) delete expected[each];
          expect(JSON.parse(editBody(text, parsed, set, remove))).toEqual(
            JSON.parse(JSON.stringify(expected)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("leaves the bytes alone where nothing is to be done", () => {
    const text = ' {"model" : "m", "big":12345678901234567890,"e":"\\u00e9"}';
    expect(editBody(text, JSON.parse(text) as Record<string, unknown>, {}, ["absent"])).toBe(text);
  });

  it("keeps the rest of the bytes where members are only added", () => {
    const text = '{"model":"m","big":12345678901234567890}';
    expect(editBody(text, JSON.parse(text) as Record<string, unknown>, { stream: true, a: "b" })).toBe(
      '{"stream":true,"a":"b","model":"m","big":12345678901234567890}',
    );
  });
});
