import { describe, expect, it } from "vitest";
import { inlineRefs } from "./inline-refs.ts";

const properties = (city: object) => ({ type: "object", properties: { city }, required: ["city"] });
const City = { type: "string", minLength: 1 };

describe("a schema's references", () => {
  it.each<[string, Record<string, unknown>, object]>([
    [
      "are replaced by what they name",
      { ...properties({ $ref: "#/$defs/City" }), $defs: { City } },
      properties(City),
    ],
    [
      "may be spelt in the older way",
      { ...properties({ $ref: "#/definitions/City" }), definitions: { City } },
      properties(City),
    ],
    [
      "may name what refers on",
      { ...properties({ $ref: "#/$defs/Place" }), $defs: { City, Place: { $ref: "#/$defs/City" } } },
      properties(City),
    ],
    [
      "keep what stands beside them",
      { ...properties({ $ref: "#/$defs/City", description: "Where" }), $defs: { City } },
      properties({ ...City, description: "Where" }),
    ],
    [
      "are found in lists",
      { ...properties({ anyOf: [{ $ref: "#/$defs/City" }, { type: "null" }] }), $defs: { City } },
      properties({ anyOf: [City, { type: "null" }] }),
    ],
    [
      "may be escaped",
      { ...properties({ $ref: "#/$defs/a~1b~0c" }), $defs: { "a/b~c": City } },
      properties(City),
    ],
    ["are none where there are none", properties(City), properties(City)],
    [
      "are none where a property is called so",
      properties({ properties: { $ref: City } }),
      properties({ properties: { $ref: City } }),
    ],
  ])("%s", (_, schema, inlined) => {
    expect(inlineRefs(schema)).toEqual(inlined);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      "it refers to itself",
      {
        ...properties({ $ref: "#/$defs/Tree" }),
        $defs: { Tree: { properties: { child: { $ref: "#/$defs/Tree" } } } },
      },
    ],
    ["it refers to all of itself", properties({ $ref: "#" })],
    ["it refers to nothing", properties({ $ref: "#/$defs/City" })],
    ["it refers to what every object has", { ...properties({ $ref: "#/$defs/toString" }), $defs: {} }],
    ["it refers to another document", properties({ $ref: "https://example.com/city.json" })],
    [
      "it grows without bound",
      {
        ...properties({ $ref: "#/$defs/d0" }),
        $defs: Object.fromEntries(
          Array.from({ length: 16 }, (_, at) => {
            const ref = { $ref: `#/$defs/d${at + 1}` };
            return [`d${at}`, at < 15 ? { anyOf: [ref, ref] } : City];
          }),
        ),
      },
    ],
  ])("cannot be replaced where %s", (_, schema) => {
    expect(inlineRefs(schema)).toBeUndefined();
  });
});
