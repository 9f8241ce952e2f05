import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCalled } from "../models/resolve.ts";
import { readTags } from "./ollama-models.ts";
import { namesOf } from "./ollama-names.ts";

const listed = (name: string) => {
  const [model] = readTags({ models: [{ name, model: name }] });
  if (!model) throw new Error(`${name} is not listed`);
  return model;
};

describe("the names of a model of Ollama", () => {
  it.each<[name: string, names: string[]]>([
    [
      "llama3.2:latest",
      [
        "llama3.2:latest",
        "llama3.2",
        "library/llama3.2",
        "library/llama3.2:latest",
        "registry.ollama.ai/library/llama3.2",
        "registry.ollama.ai/library/llama3.2:latest",
      ],
    ],
    ["qwen3:4b", ["qwen3:4b", "library/qwen3:4b", "registry.ollama.ai/library/qwen3:4b"]],
    [
      "Ann/Tiny:Q4_K_M",
      [
        "Ann/Tiny:Q4_K_M",
        "registry.ollama.ai/Ann/Tiny:Q4_K_M",
        "ann/tiny:q4_k_m",
        "registry.ollama.ai/ann/tiny:q4_k_m",
      ],
    ],
    [
      "hf.co/org/Repo-GGUF:latest",
      [
        "hf.co/org/Repo-GGUF:latest",
        "hf.co/org/Repo-GGUF",
        "hf.co/org/repo-gguf",
        "hf.co/org/repo-gguf:latest",
      ],
    ],
    ["library/m:1b", ["library/m:1b", "m:1b", "registry.ollama.ai/library/m:1b"]],
    ["box:5000/org/m:1b", ["box:5000/org/m:1b"]],
  ])("%s are %j", (name, names) => {
    expect(namesOf(name)).toEqual(names);
  });

  it.each([
    ["llama3.2:latest", "LLAMA3.2"],
    ["llama3.2:latest", "Library/Llama3.2:Latest"],
    ["llama3.2:latest", "registry.ollama.ai/library/llama3.2"],
    ["Ann/Tiny:Q4_K_M", "ann/TINY:q4_k_m"],
    ["hf.co/Org/Repo-GGUF:Q8_0", "HF.co/org/repo-gguf:q8_0"],
  ])("let %s be called %s", (name, wanted) => {
    expect(isCalled(listed(name), wanted)).toBe(true);
  });

  it.each([
    ["llama3.2:latest", "llama3.2:1b"],
    ["llama3.2:1b", "llama3.2"],
    ["llama3.2:latest", "ann/llama3.2"],
    ["ann/tiny:latest", "tiny"],
    ["hf.co/org/repo:latest", "org/repo"],
    ["llama3.2:latest", ""],
  ])("do not let %s be called %s", (name, wanted) => {
    expect(isCalled(listed(name), wanted)).toBe(false);
  });

  const lowered = (names: readonly string[]) => new Set(names.map((each) => each.toLowerCase()));
  const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/);
  it("begin with the listed one, hold none twice, and hold in any case whatever they are themselves called", () => {
    fc.assert(
      fc.property(
        word,
        word,
        fc.constantFrom("latest", "4b", "Q4_K_M"),
        fc.nat({ max: 2 }),
        (a, b, tag, parts) => {
          const name = [["host.example", a, b], [a, b], [b]][parts]?.join("/") ?? "";
          const names = namesOf(`${name}:${tag}`);
          expect(names[0]).toBe(`${name}:${tag}`);
          expect(new Set(names).size).toBe(names.length);
          const model = listed(`${name}:${tag}`);
          for (const each of names) {
            expect(isCalled(model, each.toUpperCase())).toBe(true);
            expect(lowered(namesOf(each))).toEqual(lowered(names));
          }
        },
      ),
    );
  });
});
