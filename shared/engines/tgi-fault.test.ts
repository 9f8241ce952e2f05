import { describe, expect, it } from "vitest";
import { faultIn, readChunk } from "./tgi-fault.ts";
import { tgi } from "./tgi.ts";

const said = (error: string, error_type: string) => JSON.stringify({ error, error_type });
const overflow =
  "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 512 `max_new_tokens`";
const tooLong = "Input validation error: `inputs` must have less than 3072 tokens. Given: 4000";

describe("an error of TGI", () => {
  it.each<[status: number, body: string, expected: object]>([
    [401, "", { class: "failure", status: 401 }],
    [404, "", { class: "failure", status: 404 }],
    [400, "Failed to parse the request body as JSON: EOF", { class: "client_fault", status: 400 }],
    [413, "length limit exceeded", { class: "client_fault", status: 413 }],
    [415, "Expected request with `Content-Type: application/json`", { class: "failure" }],
    [
      422,
      "Failed to deserialize the JSON body into the target type: stop: invalid type",
      { class: "client_fault", status: 422, message: expect.stringContaining("stop: invalid type") },
    ],
    [
      422,
      said("Input validation error: `top_p` must be > 0.0 and < 1.0", "validation"),
      { class: "client_fault", status: 422 },
    ],
    [
      422,
      said(overflow, "validation"),
      { class: "client_fault", status: 400, code: "context_length_exceeded", message: overflow },
    ],
    [
      422,
      said(tooLong, "validation"),
      { class: "client_fault", status: 400, code: "context_length_exceeded" },
    ],
    [
      422,
      said("Template error: template not found", "template_error"),
      { class: "client_fault", status: 422 },
    ],
    [
      422,
      said("Tool error: Grammar and tools are mutually exclusive", "tool_error"),
      { class: "client_fault", status: 422 },
    ],
    // The limit of tokens was too low for the call: asking elsewhere would not help.
    [
      422,
      said('Tool error: Failed to parse generated text: EOF while parsing a string "{"', "tool_error"),
      { class: "client_fault", status: 400 },
    ],
    [
      422,
      said('Tool error: Failed to parse generated text: expected value "x"', "tool_error"),
      { class: "failure", status: 502 },
    ],
    [
      424,
      said("Request failed during generation: Server error: CUDA out of memory", "generation"),
      { class: "failure" },
    ],
    [429, said("Model is overloaded", "overloaded"), { class: "overload", status: 429 }],
    [500, said("Incomplete generation", "incomplete_generation"), { class: "failure" }],
    [502, "<html>Bad gateway</html>", { class: "failure", message: "HTTP 502 without an API error" }],
    [503, said("unhealthy", "healthcheck"), { class: "overload" }],
  ])("%d %s", (status, body, expected) => {
    expect(tgi.classify(status, body, undefined)).toMatchObject(expected);
  });

  it("keeps the time after which to come back", () => {
    expect(tgi.classify(429, said("Model is overloaded", "overloaded"), 3_000)).toMatchObject({
      retryAfterMs: 3_000,
    });
  });

  it.each<[message: string, expected: object]>([
    ["Model is overloaded", { class: "overload", status: 429 }],
    [overflow, { class: "client_fault", status: 400, code: "context_length_exceeded" }],
    ["Input validation error: `top_k` must be strictly positive", { class: "client_fault", status: 422 }],
    ["Request failed during generation: shard died", { class: "failure", status: 502 }],
    ["Incomplete generation stream", { class: "failure", status: 502 }],
    ["something new", { class: "failure", status: 502 }],
  ])("means the same inside a stream, where all of them say 422: %s", (message, expected) => {
    const chat = readChunk(JSON.stringify({ error: { message, http_status_code: 422 } }));
    const native = readChunk(JSON.stringify({ error: message, error_type: "any" }));
    for (const read of [chat, native])
      expect(read).toMatchObject({ ok: false, error: { message, ...expected } });
  });

  it("without words is its failure all the same", () => {
    expect(faultIn({})).toMatchObject({ class: "failure", message: "it reported an error" });
    expect(readChunk("{")).toMatchObject({ ok: false, error: { class: "failure", status: 502 } });
    expect(readChunk("[]")).toMatchObject({ ok: false, error: { class: "failure", status: 502 } });
  });
});
