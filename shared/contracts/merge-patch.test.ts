import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { mergePatch, patchShape } from "./merge-patch.ts";

describe("a merge patch", () => {
  // The examples of RFC 7396, appendix A.
  it.each<[target: unknown, patch: unknown, result: unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("of %j by %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it("changes nothing the second time, and never what it was given", () => {
    fc.assert(
      fc.property(fc.object(), fc.object({ values: [fc.integer(), fc.constant(null)] }), (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });

  it("does not reach what objects inherit", () => {
    mergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("the contract of a patch", () => {
  const Patch = z.strictObject(
    patchShape({
      id: z.string(),
      weight: z.int().min(0).optional(),
      labels: z.record(z.string().regex(/^[a-z]+$/), z.string()).optional(),
      circuit: z
        .strictObject({ openMs: z.int().optional(), names: z.array(z.string()).optional() })
        .refine(({ openMs }) => openMs !== 13)
        .optional()
        .meta({ description: "When it opens." }),
    }),
  );

  it.each<[patch: unknown, accepted: boolean]>([
    [{}, true],
    [{ id: null, weight: null, labels: null, circuit: null }, true],
    [{ weight: 1, labels: { a: "x", b: null }, circuit: { openMs: null } }, true],
    [{ circuit: { openMs: 13 } }, true],
    [{ weight: -1 }, false],
    [{ weight: "1" }, false],
    [{ labels: { A: null } }, false],
    [{ labels: { a: 1 } }, false],
    [{ circuit: { openMs: "1" } }, false],
    [{ circuit: { other: 1 } }, false],
    [{ circuit: { names: [null] } }, false],
    [{ other: 1 }, false],
  ])("%j: %j", (patch, accepted) => {
    expect(Patch.safeParse(patch).success).toBe(accepted);
  });

  it("keeps what the members are for", () => {
    expect(JSON.stringify(z.toJSONSchema(Patch))).toContain("When it opens.");
  });
});
