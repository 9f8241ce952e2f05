import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelEntry } from "../contracts/admin-models.ts";
import { DEFAULT_MODELS } from "./default-models.ts";
import { createRegistry, findClash, mergeEntries } from "./registry.ts";

const entry = (id: string, more: Partial<ModelEntry> = {}): ModelEntry =>
  ModelEntry.parse({ id, capabilities: ["chat"], ...more });
const idsOf = (own: ModelEntry[], name: string): string[] | string => {
  const resolution = createRegistry(own).resolve(name);
  if (!resolution) return "unknown";
  return resolution.kind === "ambiguous"
    ? `one of ${resolution.candidates.join(", ")}`
    : resolution.entries.map(({ id }) => id);
};

describe("the models that are built in", () => {
  it("are six, each as its contract wants it", () => {
    expect(DEFAULT_MODELS.map(({ id }) => id)).toEqual([
      "llama-3.1-8b-instruct",
      "llama-3.1-70b-instruct",
      "qwen2.5-72b-instruct",
      "qwen2.5-coder-32b-instruct",
      "deepseek-r1-distill-qwen-32b",
      "mistral-7b-instruct-v0.3",
    ]);
    for (const each of DEFAULT_MODELS) expect(ModelEntry.parse(each)).toEqual(each);
  });

  it("do not take each other's names", () => {
    for (const each of DEFAULT_MODELS) expect(findClash(each, DEFAULT_MODELS)).toBeUndefined();
  });

  it("give way to an entry of the same id, at their place", () => {
    const own = entry("qwen2.5-72b-instruct", { contextLength: 8192 });
    const merged = mergeEntries([entry("a"), own]);
    expect(merged).toHaveLength(7);
    expect(merged[2]).toEqual(own);
    expect(merged[6]?.id).toBe("a");
  });
});

describe("a name", () => {
  const adapter = entry("support-lora", {
    source: "/adapters/support",
    format: "lora",
    aliases: ["support"],
  });

  it.each<[what: string, own: ModelEntry[], name: string, means: string[] | string]>([
    ["an id", [], "llama-3.1-8b-instruct", ["llama-3.1-8b-instruct"]],
    ["a source", [], "mistralai/Mistral-7B-Instruct-v0.3", ["mistral-7b-instruct-v0.3"]],
    ["what Ollama calls it", [], "llama3.1:8b", ["llama-3.1-8b-instruct"]],
    ["an alias", [adapter], "support", ["support-lora"]],
    ["a path as a source", [adapter], "/adapters/support", ["support-lora"]],
    ["an id goes before an alias", [adapter, entry("x", { aliases: ["y"] }), entry("y")], "y", ["y"]],
    [
      "an alias goes before an engine's name",
      [entry("x", { aliases: ["n"] }), entry("y", { names: { ollama: ["n"] } })],
      "n",
      ["x"],
    ],
    ["a beginning is no name", [], "llama-3.1-8b", "unknown"],
    ["nor is one in capitals", [], "LLAMA-3.1-8B-INSTRUCT", "unknown"],
    ["nor the empty one", [], "", "unknown"],
    ["nor a member of every object", [], "__proto__", "unknown"],
    [
      "two of one source",
      [entry("q4", { source: "org/m" }), entry("q8", { source: "org/m" })],
      "org/m",
      "one of q4, q8",
    ],
    ["a capability", [], "capability:reasoning", ["llama-3.1-70b-instruct", "deepseek-r1-distill-qwen-32b"]],
    ["a capability that none has", [], "capability:rerank", []],
    ["a capability that there is not", [], "capability:magic", "unknown"],
    ["an alias `default`", [entry("x", { aliases: ["default"] })], "default", ["x"]],
  ])("%s", (_, own, name, means) => {
    expect(idsOf(own, name)).toEqual(means);
  });

  it("`default` is any model, in the order of preference, but none that is retired", () => {
    const retired = entry("llama-3.1-8b-instruct", { wish: "retire" });
    expect(idsOf([], "default")).toHaveLength(6);
    expect(idsOf([retired], "default").slice(0, 1)).toEqual(["llama-3.1-70b-instruct"]);
    expect(idsOf([retired], "capability:chat")).not.toContain("llama-3.1-8b-instruct");
  });

  it("of an id always means the model of that id, whatever others are called", () => {
    const word = fc.constantFrom("a", "b", "c", "d");
    const entries = fc.uniqueArray(
      fc.record({ id: word, source: word, aliases: fc.array(word, { maxLength: 2 }) }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(entries, (all) => {
        const own = all.map(({ id, ...more }) => entry(id, more));
        for (const { id } of own) expect(idsOf(own, id)).toEqual([id]);
      }),
    );
  });
});

describe("a name that two models would have", () => {
  it.each<[ModelEntry, ModelEntry[], string | undefined]>([
    [entry("a"), [entry("b")], undefined],
    [entry("a"), [entry("a", { aliases: ["z"] })], undefined],
    [entry("a", { aliases: ["b"] }), [entry("b")], "b"],
    [entry("b"), [entry("a", { aliases: ["b"] })], "b"],
    [entry("a", { aliases: ["z"] }), [entry("b", { aliases: ["z"] })], "z"],
    [entry("a", { names: { ollama: ["z"] } }), [entry("b", { names: { ollama: ["z"] } })], "z"],
    [entry("a", { names: { ollama: ["z"] } }), [entry("b", { names: { vllm: ["z"] } })], "z"],
    [entry("a", { names: { ollama: ["z"] } }), [entry("b", { aliases: ["z"] })], "z"],
    [entry("a", { source: "s" }), [entry("b", { source: "s" })], undefined],
    [entry("a", { aliases: ["default"] }), [entry("b", { aliases: ["default"] })], "default"],
  ])("%j beside %j: %s", (one, others, name) => {
    expect(findClash(one, others)?.name).toBe(name);
  });
});
