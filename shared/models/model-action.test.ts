import { describe, expect, it } from "vitest";
import { ModelEntry, type ModelState } from "../contracts/admin-models.ts";
import { EngineConfig } from "../contracts/engine-config.ts";
import type { ModelAction } from "../engines/engine.ts";
import { type ActionAsk, planAction } from "./model-action.ts";

const adapter = ModelEntry.parse({
  id: "support",
  capabilities: ["chat"],
  format: "lora",
  source: "/adapters/support",
});
const whole = ModelEntry.parse({
  id: "llama",
  capabilities: ["chat"],
  source: "org/llama",
  names: { ollama: ["llama3.1:8b", "llama3.1"] },
});
const ask = (
  kind: "vllm" | "ollama" | "openai",
  action: ModelAction,
  entry: ModelEntry,
  more: { state?: ModelState; listedAs?: string } = {},
): ActionAsk => ({
  action,
  entry,
  state: more.state ?? (action === "unload" ? "ready" : "registered"),
  config: EngineConfig.parse({ id: "gpu-1", kind, baseUrl: "https://gpu.example.com" }),
  listedAs: more.listedAs,
});

describe("what an engine is told", () => {
  it.each<[ActionAsk, name: string, path: string, body: object | undefined]>([
    [
      ask("vllm", "load", adapter),
      "support",
      "/v1/load_lora_adapter",
      { lora_name: "support", lora_path: "/adapters/support" },
    ],
    [
      ask("vllm", "unload", adapter, { listedAs: "helpdesk" }),
      "helpdesk",
      "/v1/unload_lora_adapter",
      { lora_name: "helpdesk" },
    ],
    [ask("vllm", "sleep", whole, { state: "ready" }), "llama", "/sleep?level=1", undefined],
    [ask("ollama", "pull", whole), "llama3.1:8b", "/api/pull", { model: "llama3.1:8b", stream: true }],
    [
      ask("ollama", "load", whole, { state: "ready", listedAs: "llama3.1" }),
      "llama3.1",
      "/api/generate",
      { model: "llama3.1", stream: false },
    ],
  ])("%#: by the model's name there", (wanted, name, path, body) => {
    const planned = planAction(wanted);
    expect(planned).toMatchObject({ ok: true, value: { name, request: { path } } });
    if (planned.ok && body) expect(JSON.parse(planned.value.request.body)).toEqual(body);
  });
});

describe("what no engine is told", () => {
  const { source: _, ...lost } = adapter;
  it.each<[string, ActionAsk, kind: string, says: RegExp]>([
    ["what its kind cannot", ask("vllm", "pull", whole), "unsupported", /vLLM cannot be told to pull/],
    ["what its kind cannot, anything", ask("openai", "load", whole), "unsupported", /cannot be told to load/],
    ["to sleep where it cannot", ask("ollama", "sleep", whole), "unsupported", /cannot be told to sleep/],
    ["to load a whole model as an adapter", ask("vllm", "load", whole), "unsupported", /only LoRA adapters/],
    ["to unload its own model", ask("vllm", "unload", whole), "unsupported", /only LoRA adapters/],
    ["to load an adapter from nowhere", ask("vllm", "load", lost), "invalid_request", /source/],
    [
      "to load what is not for its kind",
      ask("ollama", "pull", { ...whole, engineKinds: ["vllm"] }),
      "invalid_request",
      /registered for vllm/,
    ],
    [
      "to load what is retired",
      ask("ollama", "load", { ...whole, wish: "retire" }, { state: "retired" }),
      "conflict",
      /retired cannot be loaded/,
    ],
    ["to load what it loads", ask("ollama", "load", whole, { state: "loading" }), "conflict", /loading/],
    [
      "to unload what it has not",
      ask("ollama", "unload", whole, { state: "registered" }),
      "conflict",
      /registered/,
    ],
  ])("%s", (_, wanted, kind, says) => {
    const planned = planAction(wanted);
    expect(planned).toMatchObject({ ok: false, error: { kind } });
    expect(!planned.ok && "message" in planned.error && planned.error.message).toMatch(says);
  });
});
