import { describe, expect, it } from "vitest";
import { ModelEntry, type ModelState } from "../contracts/admin-models.ts";
import { EngineConfig } from "../contracts/engine-config.ts";
import { err, ok } from "../kernel/result.ts";
import { type Change, addEngine, changeEngine, drainEngine, removeEngine } from "./engine-changes.ts";
import { addModel, changeModel, isBuiltIn, removeModel } from "./model-changes.ts";
import { EMPTY_REGISTRY, type RegistrySnapshot } from "./snapshot.ts";

const engine = (id: string, more: object = {}): EngineConfig =>
  EngineConfig.parse({ id, kind: "vllm", baseUrl: "https://gpu.example.com", ...more });
const model = (id: string, more: object = {}): ModelEntry =>
  ModelEntry.parse({ id, capabilities: ["chat"], ...more });
const stamp = (version: number) => ({ version, createdAtMs: 0, updatedAtMs: 0 });
const NOW: RegistrySnapshot = {
  ...EMPTY_REGISTRY,
  version: 9,
  engines: [engine("a", { weight: 5, circuit: { failuresToOpen: 2, openMs: 1000 } })],
  drained: ["fixed"],
  models: [model("m", { aliases: ["x"] }), model("old", { wish: "retire" })],
  engineStamps: new Map([["a", stamp(3)]]),
  modelStamps: new Map([
    ["m", stamp(4)],
    ["old", stamp(1)],
  ]),
  unreadable: ["strange"],
};
const DECLARED = [engine("fixed")];

/** What came of it, in a few words. */
function outcome(change: Change): unknown {
  if (change.ok) return change.value;
  const { error } = change;
  return "param" in error && error.param !== undefined ? `${error.kind}: ${error.param}` : error.kind;
}

describe("an engine", () => {
  it.each<[string, EngineConfig, unknown]>([
    ["is added", engine("b"), [{ type: "put_engine", config: engine("b") }]],
    ["is not added twice", engine("a"), "conflict: id"],
    ["is not added beside one of the variable", engine("fixed"), "conflict: id"],
    ["is not added beside what cannot be read", engine("strange"), "conflict: id"],
  ])("%s", (_, config, expected) => {
    expect(outcome(addEngine(NOW, DECLARED, config))).toEqual(expected);
  });

  it.each<[string, id: string, patch: Record<string, unknown>, version: number | undefined, unknown]>([
    [
      "is changed where the patch says, deep down too",
      "a",
      { weight: null, circuit: { openMs: 2000 } },
      3,
      [{ type: "put_engine", config: engine("a", { circuit: { failuresToOpen: 2, openMs: 2000 } }) }],
    ],
    ["is not written where nothing changes", "a", { weight: 5 }, undefined, []],
    ["is not changed over another's change", "a", { weight: 6 }, 2, "precondition_failed"],
    ["must stay one", "a", { baseUrl: null }, undefined, "invalid_request: baseUrl"],
    ["must stay as the contract wants it", "a", { weight: -1 }, undefined, "invalid_request: weight"],
    ["of the variable is changed there", "fixed", { weight: 6 }, undefined, "conflict"],
    ["that is not there", "b", { weight: 6 }, undefined, "not_found"],
  ])("%s", (_, id, patch, version, expected) => {
    expect(outcome(changeEngine(NOW, DECLARED, { id, patch, version }, ok))).toEqual(expected);
  });

  it("is checked as it would be, and written as the check gives it back", () => {
    const change = { id: "a", patch: { weight: 7 }, version: undefined };
    const refused = changeEngine(NOW, DECLARED, change, () => err({ kind: "internal" }));
    expect(outcome(refused)).toBe("internal");
    const normal = changeEngine(NOW, DECLARED, change, (config) => ok({ ...config, region: "eu" }));
    expect(outcome(normal)).toMatchObject([{ config: { weight: 7, region: "eu" } }]);
  });

  it.each<[string, id: string, more: object, unknown]>([
    ["is removed", "a", {}, [{ type: "delete_engine", id: "a" }]],
    ["is removed at the version that was read", "a", { version: 3 }, [{ type: "delete_engine", id: "a" }]],
    ["is not removed at another", "a", { version: 4 }, "precondition_failed"],
    ["is not removed while it answers", "a", { inFlight: 2 }, "conflict"],
    ["is removed nevertheless", "a", { inFlight: 2, force: true }, [{ type: "delete_engine", id: "a" }]],
    ["of the variable is removed there", "fixed", {}, "conflict"],
    ["that is not there", "b", {}, "not_found"],
    ["that cannot be read", "strange", {}, [{ type: "delete_engine", id: "strange" }]],
  ])("%s", (_, id, more, expected) => {
    const removal = { id, version: undefined, inFlight: 0, force: false, ...more };
    expect(outcome(removeEngine(NOW, DECLARED, removal))).toEqual(expected);
  });

  it("that was declared since is changed where it is declared, and can be removed here", () => {
    const declared = [engine("a")];
    const change = { id: "a", patch: { weight: 7 }, version: undefined };
    expect(outcome(changeEngine(NOW, declared, change, ok))).toBe("conflict");
    const removal = { id: "a", version: undefined, inFlight: 0, force: false };
    expect(outcome(removeEngine(NOW, declared, removal))).toEqual([{ type: "delete_engine", id: "a" }]);
  });

  it.each<[string, id: string, drain: boolean, unknown]>([
    ["is drained", "a", true, [{ type: "drain_engine", id: "a" }]],
    ["that is drained stays so", "fixed", true, []],
    ["of the variable is resumed", "fixed", false, [{ type: "resume_engine", id: "fixed" }]],
    ["that serves stays so", "a", false, []],
    ["that is not there", "b", true, "not_found"],
  ])("%s", (_, id, drain, expected) => {
    expect(outcome(drainEngine(NOW, DECLARED, id, drain))).toEqual(expected);
  });
});

describe("a model", () => {
  const builtIn = "llama-3.1-8b-instruct";

  it.each<[string, ModelEntry, unknown]>([
    ["is added", model("n"), [{ type: "put_model", entry: model("n") }]],
    [
      "is added in the place of one that is built in",
      model(builtIn),
      [{ type: "put_model", entry: model(builtIn) }],
    ],
    ["is not added twice", model("m"), "conflict: id"],
    ["does not take another's alias as an id", model("x"), "conflict: id"],
    ["does not take another's alias", model("n", { aliases: ["x"] }), "conflict: aliases"],
    [
      "does not take a built-in model's name",
      model("n", { names: { ollama: ["llama3.1:8b"] } }),
      "conflict: names",
    ],
  ])("%s", (_, entry, expected) => {
    expect(outcome(addModel(NOW, entry))).toEqual(expected);
  });

  it.each<[string, id: string, patch: Record<string, unknown>, more: object, unknown]>([
    [
      "is changed",
      "m",
      { aliases: ["y"], contextLength: 5 },
      { version: 4 },
      [{ type: "put_model", entry: model("m", { aliases: ["y"], contextLength: 5 }) }],
    ],
    [
      "is not changed over another's change",
      "m",
      { contextLength: 5 },
      { version: 3 },
      "precondition_failed",
    ],
    ["is not written where nothing changes", "m", { aliases: ["x"] }, {}, []],
    [
      "is given a price",
      "m",
      { price: { inputPerMillion: 0.15, outputPerMillion: 0.6, perGpuSecond: null } },
      {},
      [
        {
          type: "put_model",
          entry: model("m", { aliases: ["x"], price: { inputPerMillion: 0.15, outputPerMillion: 0.6 } }),
        },
      ],
    ],
    [
      "has a whole price or none",
      "m",
      { price: { inputPerMillion: 1 } },
      {},
      "invalid_request: price.outputPerMillion",
    ],
    ["must stay as the contract wants it", "m", { capabilities: [] }, {}, "invalid_request: capabilities"],
    ["that is not there", "n", {}, {}, "not_found"],
    [
      "is retired",
      "m",
      { wish: "retire" },
      { state: "ready" },
      [{ type: "put_model", entry: model("m", { aliases: ["x"], wish: "retire" }) }],
    ],
    ["is not retired while it is loaded", "m", { wish: "retire" }, { state: "loading" }, "conflict: wish"],
    [
      "is restored",
      "old",
      { wish: null },
      { state: "retired" },
      [{ type: "put_model", entry: model("old") }],
    ],
  ])("%s", (_, id, patch, more, expected) => {
    const change = { id, patch, version: undefined, state: "registered" as ModelState, ...more };
    expect(outcome(changeModel(NOW, change))).toEqual(expected);
  });

  it("that is built in is registered by its first change, at version 0 until then", () => {
    const change = { id: builtIn, patch: { contextLength: 8192 }, version: 0, state: "registered" as const };
    expect(outcome(changeModel(NOW, change))).toMatchObject([
      {
        type: "put_model",
        entry: { id: builtIn, contextLength: 8192, source: "meta-llama/Llama-3.1-8B-Instruct" },
      },
    ]);
    expect(isBuiltIn(NOW, builtIn)).toBe(true);
    expect(isBuiltIn({ ...NOW, models: [model(builtIn)] }, builtIn)).toBe(false);
    expect(isBuiltIn(NOW, "m")).toBe(false);
  });

  it.each<[string, id: string, more: object, unknown]>([
    ["is removed", "m", {}, [{ type: "delete_model", id: "m" }]],
    ["is not removed at another version", "m", { version: 1 }, "precondition_failed"],
    ["is not removed while it is served", "m", { state: "ready" }, "conflict"],
    ["is not removed while it is loaded", "m", { state: "loading" }, "conflict"],
    [
      "is removed when it is retired and gone",
      "old",
      { state: "retired" },
      [{ type: "delete_model", id: "old" }],
    ],
    ["that is built in cannot be removed", builtIn, {}, "conflict"],
    ["that is not there", "n", {}, "not_found"],
    ["that cannot be read", "strange", {}, [{ type: "delete_model", id: "strange" }]],
  ])("%s", (_, id, more, expected) => {
    const removal = { id, version: undefined, state: "registered" as ModelState, ...more };
    expect(outcome(removeModel(NOW, removal))).toEqual(expected);
  });
});
