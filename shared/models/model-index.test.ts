import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelEntry } from "../contracts/admin-models.ts";
import { indexModels } from "./model-index.ts";
import { type FleetEngine, placesOf } from "./resolve.ts";

const entry = (id: string, more: Partial<ModelEntry> = {}): ModelEntry =>
  ModelEntry.parse({ id, capabilities: ["chat"], ...more });
const engine = (
  id: string,
  kind: string,
  models: readonly (readonly string[])[],
  reachable = true,
): FleetEngine => ({
  id,
  kind,
  reachable,
  models: models.map((names) => ({ names })),
});
const enginesOf = (index: ReturnType<typeof indexModels>, name: string): string[] | undefined =>
  index.find(name)?.map((place) => place.engine.id);

describe("where a model is served", () => {
  const fleet = [
    engine("gpu-1", "vllm", [["meta-llama/Llama-3.1-8B-Instruct"]]),
    engine("desk", "ollama", [["llama3.1:8b"], ["llama3.1:latest", "llama3.1"], ["phi3:latest", "phi3"]]),
    engine("gpu-2", "vllm", [["llama3.1:8b"], ["fast"]]),
    engine("gpu-3", "sglang", [["phi3"]], false),
  ];
  const own = [entry("fast-model", { aliases: ["fast"] }), entry("cold", { capabilities: ["vision"] })];
  const index = indexModels(own, fleet);

  it.each<[name: string, engines: string[] | undefined]>([
    ["llama-3.1-8b-instruct", ["gpu-1", "desk", "gpu-2"]],
    ["meta-llama/Llama-3.1-8B-Instruct", ["gpu-1", "desk", "gpu-2"]],
    ["llama3.1:8b", ["gpu-1", "desk", "gpu-2"]],
    ["llama3.1", ["gpu-1", "desk", "gpu-2"]],
    ["fast", ["gpu-2"]],
    ["fast-model", ["gpu-2"]],
    ["phi3", ["desk", "gpu-3"]],
    ["phi3:latest", ["desk"]],
    ["cold", []],
    ["mistral-7b-instruct-v0.3", []],
    ["capability:chat", ["gpu-1", "desk", "gpu-2"]],
    ["capability:vision", []],
    ["default", ["gpu-1", "desk", "gpu-2"]],
    ["llama", undefined],
    ["nobody", undefined],
  ])("%s: %j", (name, engines) => {
    expect(enginesOf(index, name)).toEqual(engines);
  });

  it("gives the model as each engine knows it", () => {
    expect(index.find("llama-3.1-8b-instruct")?.map(({ model }) => model.names[0])).toEqual([
      "meta-llama/Llama-3.1-8B-Instruct",
      "llama3.1:8b",
      "llama3.1:8b",
    ]);
  });

  it("lists each model once: registered ones by their id, others by the engine's name", () => {
    expect(index.served.map(({ id, places }) => [id, places.length])).toEqual([
      ["llama-3.1-8b-instruct", 3],
      ["fast-model", 1],
      ["phi3:latest", 1],
    ]);
  });
});

describe("what there is no one model for", () => {
  const index = indexModels(
    [entry("q4", { source: "org/m" }), entry("q8", { source: "org/m" })],
    [engine("a", "vllm", [["q4"], ["q8"], ["smollm2"]])],
  );

  it.each<[name: string, similar: string[]]>([
    ["org/m", ["q4", "q8"]],
    ["q", ["q4", "q8"]],
    ["smol", ["smollm2"]],
    ["smollm3", ["smollm2"]],
    ["gpt-4o", []],
  ])("%s: perhaps %j", (name, similar) => {
    expect(index.find(name)).toBeUndefined();
    expect(index.notFound(name)).toEqual({ kind: "model_not_found", model: name, similar });
  });
});

describe("a name that only an engine knows", () => {
  const caseless = (id: string, names: readonly string[]): FleetEngine => ({
    ...engine(id, "ollama", []),
    models: [{ names, anyCase: true }],
  });
  const fleet = [
    caseless("desk", ["llama3.1:8b", "library/llama3.1:8b"]),
    caseless("box", ["Tiny:latest", "Tiny", "tiny:latest", "tiny"]),
    engine("gpu-1", "vllm", [["org/Other", "other"]]),
  ];
  const index = indexModels([], fleet);

  it.each<[name: string, engines: string[] | undefined]>([
    ["library/llama3.1:8b", ["desk"]],
    ["Library/Llama3.1:8B", ["desk"]],
    ["LLAMA3.1:8B", ["desk"]],
    ["TINY", ["box"]],
    ["Tiny:Latest", ["box"]],
    ["tiny", ["box"]],
    // Its engine minds the case.
    ["org/other", undefined],
    ["OTHER", undefined],
  ])("%s: %j", (name, engines) => {
    expect(enginesOf(index, name)).toEqual(engines);
  });

  it("means the model that is so called where there is one", () => {
    const both = indexModels([], [...fleet, engine("gpu-2", "vllm", [["library/llama3.1:8b", "x"]])]);
    expect(enginesOf(both, "library/llama3.1:8b")).toEqual(["gpu-2"]);
    expect(enginesOf(both, "llama3.1:8b")).toEqual(["desk"]);
  });

  it("means nothing where its model is retired", () => {
    const [llama] = indexModels([], fleet).served;
    const retired = indexModels(
      [entry(llama?.id ?? "", { names: { ollama: ["llama3.1:8b"] }, wish: "retire" })],
      fleet,
    );
    for (const name of ["library/llama3.1:8b", "LLAMA3.1:8b"]) expect(retired.find(name)).toBeUndefined();
  });

  it("takes no other model's place among the names that were perhaps meant", () => {
    expect(index.notFound("Tyny")).toMatchObject({ similar: ["Tiny"] });
  });
});

describe("a model that is retired", () => {
  const fleet = [engine("gpu-1", "vllm", [["meta-llama/Llama-3.1-8B-Instruct"]])];
  const index = indexModels(
    [entry("llama-3.1-8b-instruct", { source: "meta-llama/Llama-3.1-8B-Instruct", wish: "retire" })],
    fleet,
  );

  it.each(["llama-3.1-8b-instruct", "meta-llama/Llama-3.1-8B-Instruct"])(
    "is served to nobody, though an engine has it: %s",
    (name) => {
      expect(index.find(name)).toBeUndefined();
    },
  );

  it("is in no list, but can be looked up by operators", () => {
    expect(index.served).toEqual([]);
    expect(index.listing("llama-3.1-8b-instruct").map((place) => place.engine.id)).toEqual(["gpu-1"]);
  });
});

describe("a price", () => {
  const price = { inputPerMillion: 1, outputPerMillion: 2 };
  const builtIn = entry("llama-3.1-8b-instruct", { price });
  const index = indexModels([builtIn, entry("free"), entry("old", { price, wish: "retire" })], []);

  it.each<[id: string, price: unknown]>([
    ["llama-3.1-8b-instruct", price],
    ["old", price],
    ["free", undefined],
    ["mistral-7b-instruct-v0.3", undefined],
    ["nobody", undefined],
    ["constructor", undefined],
  ])("of %s is %j", (id, told) => {
    expect(index.priceOf(id)).toEqual(told);
  });
});

describe("a choice of models", () => {
  it("is the first that an engine within reach serves, and one model alone", () => {
    const fleet = [
      engine("a", "vllm", [["llama-3.1-8b-instruct"]], false),
      engine("b", "vllm", [["qwen2.5-72b-instruct"], ["x"]]),
      engine("c", "vllm", [["mistral-7b-instruct-v0.3"], ["qwen2.5-72b-instruct"]]),
    ];
    const index = indexModels([], fleet);
    expect(enginesOf(index, "default")).toEqual(["b", "c"]);
    expect(enginesOf(index, "capability:chat")).toEqual(["b", "c"]);
    const away = indexModels([], fleet.slice(0, 1));
    expect(enginesOf(away, "default")).toEqual(["a"]);
  });

  it("`default` is whatever there is where nothing that is registered is served", () => {
    expect(enginesOf(indexModels([], [engine("a", "llama-cpp", [["smollm2"]])]), "default")).toEqual(["a"]);
    expect(enginesOf(indexModels([], []), "default")).toEqual([]);
  });
});

describe("an index", () => {
  const name = fc.constantFrom("x", "y", "z", "v", "w");
  const fleets = fc
    .array(
      fc.record({
        reachable: fc.boolean(),
        models: fc.array(fc.array(name, { minLength: 1, maxLength: 3 })),
      }),
    )
    .map((list) => list.map(({ reachable, models }, at) => engine(String(at), "vllm", models, reachable)));

  it("finds what a search through all engines finds, where nothing is registered", () => {
    fc.assert(
      fc.property(fleets, name, (fleet, wanted) => {
        const found = enginesOf(indexModels([], fleet), wanted) ?? [];
        expect(new Set(found)).toEqual(new Set(placesOf(fleet, wanted).map((place) => place.engine.id)));
        expect(found).toEqual(found.toSorted((a, b) => Number(a) - Number(b)));
      }),
    );
  });

  it("finds the same places by each name of a registered model, and each engine once", () => {
    const own = [entry("m", { source: "x", aliases: ["y"], names: { vllm: ["z"] } })];
    fc.assert(
      fc.property(fleets, (fleet) => {
        const index = indexModels(own, fleet);
        const serving = fleet.filter(({ models }) =>
          models.some(({ names }) => names.some((each) => ["x", "y", "z"].includes(each))),
        );
        for (const each of ["m", "x", "y", "z"])
          expect(enginesOf(index, each)).toEqual(serving.map(({ id }) => id));
      }),
    );
  });

  it("answers with what it has ready: the cost of a look-up does not grow with the fleet", () => {
    const fleet = Array.from({ length: 200 }, (_, at) => engine(`e${at}`, "vllm", [["m"], [`own-${at}`]]));
    const index = indexModels([entry("m")], fleet);
    expect(index.find("m")).toHaveLength(200);
    // The very array, not one made for this request.
    expect(index.find("m")).toBe(index.find("m"));
    expect(index.find("own-199")).toBe(index.find("own-199"));
  });
});
