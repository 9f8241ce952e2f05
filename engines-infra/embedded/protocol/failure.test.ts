import { describe, expect, it } from "vitest";
import type { Failure } from "./failure.ts";
import { errorBody } from "./failure.ts";

describe("error body", () => {
  it.each<[Failure, number, string]>([
    [{ kind: "invalid_request", message: "x" }, 400, "invalid_request_error"],
    [{ kind: "unknown_model", model: "x" }, 404, "not_found_error"],
    [{ kind: "not_supported", message: "x" }, 501, "not_supported_error"],
    [{ kind: "not_found" }, 404, "not_found_error"],
    [{ kind: "method_not_allowed", allow: "GET" }, 405, "invalid_request_error"],
    [{ kind: "body_too_large", sizeBytesMax: 1 }, 413, "invalid_request_error"],
    [{ kind: "loading" }, 503, "unavailable_error"],
    [{ kind: "load_failed", message: "x" }, 503, "unavailable_error"],
    [{ kind: "queue_full", waiting: 1 }, 503, "unavailable_error"],
    [{ kind: "no_slot" }, 503, "unavailable_error"],
    [{ kind: "internal", message: "x" }, 500, "server_error"],
  ])("of %o has status %i and type %s", (failure, code, type) => {
    expect(errorBody(failure)).toEqual({ code, type, message: expect.stringMatching(/./) });
  });

  it("says by how much a prompt is too long, in llama-server's words and order", () => {
    const body = errorBody({ kind: "context_exceeded", promptTokens: 9000, contextTokens: 8192 });
    expect(JSON.stringify(body)).toBe(
      '{"code":400,"message":"request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",' +
        '"type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":8192}',
    );
  });
});
