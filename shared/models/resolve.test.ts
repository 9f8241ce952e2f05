import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FleetEngine, placesOf, similarNames } from "./resolve.ts";

const engine = (id: string, reachable: boolean, ...models: string[][]): FleetEngine => ({
  id,
  kind: "openai",
  reachable,
  models: models.map((names) => ({ names })),
});

describe("placesOf", () => {
  const fleet = [
    engine("a", true, ["x"]),
    engine("b", false, ["y:latest", "y"], ["x"]),
    engine("c", true, ["y"]),
  ];

  it.each([
    ["x", ["a", "b"]],
    ["y", ["c", "b"]],
    ["y:latest", ["b"]],
    ["z", []],
    ["X", []],
    ["", []],
  ])("finds %j on %j: those that can be reached first, else as the operator listed them", (name, ids) => {
    expect(placesOf(fleet, name).map((place) => place.engine.id)).toEqual(ids);
  });

  it("gives the model as that engine knows it", () => {
    expect(placesOf(fleet, "y").map(({ model }) => model.names[0])).toEqual(["y", "y:latest"]);
  });

  it("names each engine at most once, and loses none", () => {
    const names = fc.constantFrom("x", "y", "z");
    const engines = fc
      .array(fc.record({ reachable: fc.boolean(), models: fc.array(fc.array(names, { minLength: 1 })) }))
      .map((list) => list.map(({ reachable, models }, at) => engine(String(at), reachable, ...models)));
    fc.assert(
      fc.property(engines, names, (all, name) => {
        const places = placesOf(all, name).map((place) => place.engine);
        const serving = all.filter(({ models }) => models.some((model) => model.names.includes(name)));
        expect(new Set(places)).toEqual(new Set(serving));
        expect(places).toEqual([
          ...serving.filter((each) => each.reachable),
          ...serving.filter((each) => !each.reachable),
        ]);
      }),
    );
  });
});

describe("similarNames", () => {
  const served = ["llama-3.1-8b", "llama-3.1-70b", "qwen2.5-7b-instruct", "all-minilm-l6-v2", "smollm2"];

  it.each<[string, string[]]>([
    ["lama-3.1-8b", ["llama-3.1-8b", "llama-3.1-70b"]],
    ["LLAMA-3.1-8B", ["llama-3.1-8b"]],
    ["smollm", ["smollm2"]],
    ["smollm2:135m-instruct", ["smollm2"]],
    ["minilm", ["all-minilm-l6-v2"]],
    ["gpt-4o", []],
  ])("%s: %j first", (name, nearest) => {
    expect(similarNames(served, name).slice(0, nearest.length)).toEqual(nearest);
    if (nearest.length === 0) expect(similarNames(served, name)).toEqual([]);
  });

  it("gives at most three, and is quick with a name that is no name", () => {
    const many = Array.from({ length: 50 }, (_, at) => `model-${at}`);
    expect(similarNames(many, "model-1")).toHaveLength(3);
    const beganMs = performance.now();
    expect(similarNames(many, "x".repeat(1_000_000))).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(500);
  });
});
