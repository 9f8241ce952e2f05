import { describe, expect, it } from "vitest";
import { lmdeployControl, ollamaControl, sglangControl, vllmControl } from "./control.ts";
import type { ModelAction, ModelControl } from "./engine.ts";
import { engines } from "./engines.ts";

const source = "/adapters/support";

describe("what an engine is told to do with a model", () => {
  it.each<[string, ModelControl, ModelAction, path: string, body: unknown]>([
    ["vLLM", vllmControl, "load", "/v1/load_lora_adapter", { lora_name: "m", lora_path: source }],
    ["vLLM", vllmControl, "unload", "/v1/unload_lora_adapter", { lora_name: "m" }],
    ["vLLM", vllmControl, "sleep", "/sleep?level=1", undefined],
    ["vLLM", vllmControl, "wake", "/wake_up", undefined],
    ["SGLang", sglangControl, "load", "/load_lora_adapter", { lora_name: "m", lora_path: source }],
    ["SGLang", sglangControl, "unload", "/unload_lora_adapter", { lora_name: "m" }],
    ["SGLang", sglangControl, "sleep", "/release_memory_occupation", {}],
    ["SGLang", sglangControl, "wake", "/resume_memory_occupation", {}],
    ["LMDeploy", lmdeployControl, "sleep", "/sleep?level=1", undefined],
    ["LMDeploy", lmdeployControl, "wake", "/wakeup", undefined],
    ["Ollama", ollamaControl, "pull", "/api/pull", { model: "m", stream: true }],
    ["Ollama", ollamaControl, "load", "/api/generate", { model: "m", stream: false }],
    ["Ollama", ollamaControl, "unload", "/api/generate", { model: "m", stream: false, keep_alive: 0 }],
  ])("%s: %#", (_, control, action, path, body) => {
    const request = control[action]?.("m", { source });
    expect(request?.path).toBe(path);
    expect(request?.method ?? "POST").toBe("POST");
    expect(request?.body === "" ? undefined : JSON.parse(request?.body ?? "null")).toEqual(body);
  });

  const NAMES = [
    "m",
    "../../x",
    "//evil.example",
    "http://evil.example/",
    "a b",
    'a"}',
    "\r\nhost: x",
    "a?b#c",
    "@evil",
  ];

  it.each(Object.entries(engines).filter(([, { control }]) => control))(
    "is a path of the engine's own, whatever the model is called: %s",
    (_, { control }) => {
      for (const action of ["pull", "load", "unload", "sleep", "wake"] as const) {
        const urls = NAMES.flatMap((name) => {
          const request = control?.[action]?.(name, { source: name });
          return request ? [new URL(`http://engine.test${request.path}`)] : [];
        });
        // A name may be one segment of the path, and nothing else of the address.
        expect(new Set(urls.map(({ host }) => host)).size).toBeLessThan(2);
        expect(new Set(urls.map(({ pathname }) => pathname.split("/").length)).size).toBeLessThan(2);
        expect(new Set(urls.map(({ search, hash }) => search + hash)).size).toBeLessThan(2);
      }
    },
  );
});

describe("a line of a pull's progress", () => {
  const read = (line: unknown) =>
    ollamaControl.readProgress?.(typeof line === "string" ? line : JSON.stringify(line));

  it.each([
    [{ status: "pulling manifest" }, { status: "pulling manifest", done: 0, total: 0 }],
    [
      { status: "pulling 8eeb52dfb3bb", digest: "sha256:8e", total: 100, completed: 40 },
      { status: "pulling 8eeb52dfb3bb", done: 40, total: 100 },
    ],
    [{ status: "success" }, { status: "success", done: 0, total: 0, outcome: "finished" }],
    [
      { error: "pull model manifest: file does not exist" },
      { status: "pull model manifest: file does not exist", done: 0, total: 0, outcome: "failed" },
    ],
    [{}, { status: "", done: 0, total: 0 }],
    ["not JSON", undefined],
    ["[]", undefined],
    ["", undefined],
  ])("%j is %j", (line, progress) => {
    expect(read(line)).toEqual(progress);
  });
});
