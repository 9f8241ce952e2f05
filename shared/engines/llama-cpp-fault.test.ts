import { describe, expect, it } from "vitest";
import type { EngineFault } from "./engine.ts";
import { engines } from "./engines.ts";
import { llamaCpp } from "./llama-cpp.ts";

const error = (code: number, message: string, type = "server_error") =>
  JSON.stringify({ error: { code, message, type } });

const MISTAKES = [
  "[json.exception.parse_error.101] parse error at line 1",
  "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
  "input (900 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
  "Cannot use both json_schema and grammar",
  "Failed to parse tool call arguments as JSON: [json.exception.parse_error.101]",
  'Failed to parse messages: Missing role; messages = [{"content":"x"}]',
  "Failed to parse grammar",
];

describe("a 500 of llama.cpp", () => {
  it.each(MISTAKES)("is the caller's mistake where it says: %s", (message) => {
    expect(llamaCpp.classify(500, error(500, message), undefined)).toMatchObject({
      class: "client_fault",
      status: 400,
      type: "invalid_request_error",
      message,
    });
  });

  it.each([
    "Compute error.",
    "Failed to parse input at pos 12: <tool_call>{",
    "Failed to parse input at pos 12: <tool_call>Failed to parse grammar",
    "the model wrote json_schema, and a parse error followed",
  ])("is its own where it says: %s", (message) => {
    expect(llamaCpp.classify(500, error(500, message), undefined)).toMatchObject({
      class: "failure",
      status: 500,
    });
  });

  it.each(["openai", "vllm"] as const)("says nothing of the same words from %s", (kind) => {
    for (const message of MISTAKES)
      expect(engines[kind].classify(500, error(500, message), undefined).class).toBe("failure");
  });
});

describe("another answer of llama.cpp other than success", () => {
  it.each<[what: string, status: number, message: string, type: string, fault: Partial<EngineFault>]>([
    ["a path it has not, which is ours", 404, "File Not Found", "not_found_error", { class: "failure" }],
    [
      "a router's model that is not in memory yet",
      400,
      "model is not loaded",
      "invalid_request_error",
      { class: "loading", status: 503 },
    ],
    [
      "a router's unknown model",
      400,
      "model 'x' not found",
      "invalid_request_error",
      { class: "client_fault", status: 404, param: "model", code: "model_not_found" },
    ],
    [
      "a bad field",
      400,
      "Field 'n': Value must be between 1 and 4",
      "invalid_request_error",
      { class: "client_fault", status: 400 },
    ],
  ])("%s", (_, status, message, type, fault) => {
    expect(llamaCpp.classify(status, error(status, message, type), undefined)).toMatchObject(fault);
  });
});
