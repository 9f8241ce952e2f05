import { describe, expect, it } from "vitest";
import { generate } from "./model/generate.ts";
import { readConversation } from "./model/conversation.ts";
import { chat, get, post, withSimulator } from "./testing.ts";

// The samples of the engines' own wire formats, with the two tokens and the ids put in.
const [one = "", two = ""] = generate(readConversation(chat("Hello").messages).context).map((token) =>
  JSON.stringify(token),
);
const TWO = chat("Hello [sim tokens=2]");
const WITH_USAGE = { ...TWO, stream_options: { include_usage: true } };
const WHOLE = { ...TWO, stream: false };

function lines(...list: string[]): string {
  return list.join("");
}

function sse(...list: string[]): string {
  return list.map((data) => `data: ${data}\n\n`).join("");
}

/** Ids differ in their random tail only. */
function withoutId(text: string): string {
  return text.replace(/"(chatcmpl|cmpl|embd)-[0-9A-Za-z]+"/g, '"$1-x"').replace(/"call_\w+"/g, '"call_x"');
}

describe("vllm", () => {
  const head = `"id":"chatcmpl-x","object":"chat.completion.chunk","created":1,"model":"sim-model"`;
  const start = [
    `{${head},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}`,
    `{${head},"choices":[{"index":0,"delta":{"content":${one}},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
    `{${head},"choices":[{"index":0,"delta":{"content":${two}},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
  ];
  const finish = `"choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]`;
  const fingerprint = `"system_fingerprint":"vllm-0.28.0-tp1-5f1d5a4f"`;

  it("streams a chat byte for byte, its id made of X-Request-Id", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", TWO, { "x-request-id": "x" });
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(heard.text).toBe(sse(...start, `{${head},${finish},${fingerprint}}`, "[DONE]"));
    }));

  it("tells the usage in a chunk of its own, to which the fingerprint moves", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", WITH_USAGE, { "x-request-id": "x" });
      const usage = `{${head},"choices":[],"usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2},${fingerprint}}`;
      expect(heard.text).toBe(sse(...start, `{${head},${finish}}`, usage, "[DONE]"));
    }));

  it("answers whole with every null that vLLM writes", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", WHOLE, { "x-request-id": "x" });
      const content = JSON.stringify(JSON.parse(one) + JSON.parse(two));
      expect(text).toBe(
        lines(
          `{"id":"chatcmpl-x","object":"chat.completion","created":1,"model":"sim-model",`,
          `"choices":[{"index":0,"message":{"role":"assistant","content":${content},"refusal":null,"annotations":null,"audio":null,`,
          `"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],`,
          `"service_tier":null,${fingerprint},`,
          `"usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2,"prompt_tokens_details":null},`,
          `"prompt_logprobs":null,"prompt_token_ids":null,"kv_transfer_params":null}`,
        ),
      );
    }));

  it("streams an error and then the end marker all the same", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", chat("Hello [sim tokens=2 error=2]"), {
        "x-request-id": "x",
      });
      const error =
        '{"error":{"message":"EngineCore encountered an issue. See stack trace (above) for the root cause.","type":"InternalServerError","param":null,"code":500}}';
      expect(heard.text).toBe(sse(...start.slice(0, 2), error, "[DONE]"));
    }));
});

describe("llama-cpp", () => {
  const tail = `"created":1,"id":"chatcmpl-x","model":"sim-model","system_fingerprint":"b7000-82bb485","object":"chat.completion.chunk"`;
  const timings =
    '"timings":{"cache_n":0,"prompt_n":8,"prompt_ms":16.0,"prompt_per_token_ms":2.0,"prompt_per_second":500.0,"predicted_n":2,"predicted_ms":20.0,"predicted_per_token_ms":10.0,"predicted_per_second":100.0}';
  const usage =
    '"usage":{"completion_tokens":2,"prompt_tokens":8,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":0}}';
  const start = [
    `{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],${tail}}`,
    `{"choices":[{"finish_reason":null,"index":0,"delta":{"content":${one}}}],${tail}}`,
    `{"choices":[{"finish_reason":null,"index":0,"delta":{"content":${two}}}],${tail}}`,
  ];
  const finish = `"choices":[{"finish_reason":"stop","index":0,"delta":{}}],${tail}`;

  it("streams a chat byte for byte, timings on the last chunk", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", TWO);
      expect(heard.headers.get("x-accel-buffering")).toBe("no");
      expect(withoutId(heard.text)).toBe(sse(...start, `{${finish},${timings}}`, "[DONE]"));
    }));

  it("moves the timings to the usage chunk when there is one", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", WITH_USAGE);
      expect(withoutId(heard.text)).toBe(
        sse(...start, `{${finish}}`, `{"choices":[],${tail},${usage},${timings}}`, "[DONE]"),
      );
    }));

  it("answers whole in its own order of keys, doubles with a fraction", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", WHOLE);
      const content = JSON.stringify(JSON.parse(one) + JSON.parse(two));
      expect(withoutId(text)).toBe(
        lines(
          `{"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":${content}}}],`,
          `"created":1,"model":"sim-model","system_fingerprint":"b7000-82bb485","object":"chat.completion",${usage},`,
          `"id":"chatcmpl-x",${timings}}`,
        ),
      );
    }));

  it("streams an error and ends without the end marker", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", chat("Hello [sim tokens=2 error=1]"));
      const error = '{"error":{"code":500,"message":"Compute error.","type":"server_error"}}';
      expect(withoutId(heard.text)).toBe(sse(start[0] ?? "", error));
    }));

  it("puts usage and timings on the last text chunk of a completion, without a chunk for usage", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const { text } = await post(sim, "/v1/completions", { prompt: "Hello [sim tokens=1]", stream: true });
      const last = text.split("\n\n").at(-3) ?? "";
      expect(last).toContain('"finish_reason":"stop"');
      expect(last).toContain('"usage":{"completion_tokens":1,"prompt_tokens":1,"total_tokens":2');
      expect(last).toContain('"timings":{');
      expect(text).not.toContain('"choices":[]');
    }));

  it("pings with a comment while it is silent, at the interval asked for", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", {
        ...chat("Hello [sim tokens=1 first=80]"),
        sse_ping_interval: 0.02,
      });
      expect(text).toMatch(/^:\n\n/);
    }));
});

describe("sglang", () => {
  const head = `"id":"x","object":"chat.completion.chunk","created":1,"model":"sim-model"`;
  const chunk = (delta: string, finish = "null", stop = "null") =>
    `{${head},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish},"matched_stop":${stop}}]}`;
  const start = [
    chunk(`{"reasoning_content":null,"role":"assistant","content":""}`),
    chunk(`{"reasoning_content":null,"content":${one}}`),
    chunk(`{"reasoning_content":null,"content":${two}}`),
  ];
  const finish = chunk(`{"reasoning_content":null}`, '"stop"', "151645");
  const counts = `"usage":{"prompt_tokens":8,"total_tokens":10,"completion_tokens":2,"prompt_tokens_details":null,"reasoning_tokens":0}`;
  const rid = { rid: "x" };

  it("streams a chat byte for byte, its id the caller's rid", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const heard = await post(sim, "/v1/chat/completions", { ...TWO, ...rid });
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(heard.text).toBe(sse(...start, finish, "[DONE]"));
    }));

  it("tells the usage in a chunk of its own, the reasoning's tokens beside the others", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", { ...WITH_USAGE, ...rid });
      expect(text).toBe(sse(...start, finish, `{${head},"choices":[],${counts}}`, "[DONE]"));
    }));

  it("leaves the null out of a completion's usage, and gives the last token's chunk the finish", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const body = { prompt: "Hi [sim tokens=3]", max_tokens: 1, stream: true, ...rid };
      const usage = { stream_options: { include_usage: true } };
      const { text } = await post(sim, "/v1/completions", { ...body, ...usage });
      const frame = `"id":"x","object":"text_completion","created":1,"model":"default"`;
      expect(text).toMatch(/^data: \{.*"finish_reason":"length","matched_stop":null\}\],"usage":null\}\n\n/);
      expect(text).toContain(
        `{${frame},"choices":[],"usage":{"prompt_tokens":1,"total_tokens":2,"completion_tokens":1,"reasoning_tokens":0}}`,
      );
    }));

  it("writes every null where tools are given", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const tools = [{ type: "function", function: { name: "f" } }];
      const { text } = await post(sim, "/v1/chat/completions", { ...TWO, ...rid, tools });
      expect(text).toContain(
        `{${head},"choices":[{"index":0,"delta":{"role":null,"content":${one},"reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}`,
      );
    }));

  it("answers whole with its nulls and what it says of its weights", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", { ...WHOLE, ...rid });
      const content = JSON.stringify(JSON.parse(one) + JSON.parse(two));
      expect(text).toBe(
        lines(
          `{"id":"x","object":"chat.completion","created":1,"model":"sim-model",`,
          `"choices":[{"index":0,"message":{"role":"assistant","content":${content},"reasoning_content":null,"tool_calls":null},`,
          `"logprobs":null,"finish_reason":"stop","matched_stop":151645}],${counts},"metadata":{"weight_version":"default"}}`,
        ),
      );
    }));

  it("streams an error wrapped, then usage where it was asked for, and the end marker all the same", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const failing = chat("Hello [sim tokens=2 error=2]", {
        stream_options: { include_usage: true },
        ...rid,
      });
      const { text } = await post(sim, "/v1/chat/completions", failing);
      const error =
        '{"error":{"object":"error","message":"The scheduler failed on this batch.","type":"INTERNAL_SERVER_ERROR","param":null,"code":500}}';
      const usage = `{${head},"choices":[],"usage":{"prompt_tokens":8,"total_tokens":8,"completion_tokens":0,"prompt_tokens_details":null,"reasoning_tokens":0}}`;
      expect(text).toBe(sse(...start.slice(0, 2), error, usage, "[DONE]"));
    }));

  it("sends its headers with the first token only", () =>
    withSimulator({ kind: "sglang", slots: 1 }, async (sim) => {
      const running = post(sim, "/v1/chat/completions", chat("a [sim hang=1]", { rid: "first" }));
      await sim.waitFor(({ running }) => running === 1);
      const waiting = post(sim, "/v1/chat/completions", chat("b"));
      const { requests } = await sim.waitFor((seen) => seen.waiting === 1);
      expect(requests[1]?.status).toBeUndefined();
      await post(sim, "/abort_request", { rid: "first" });
      expect((await waiting).status).toBe(200);
      await running;
    }));

  it("tells its load without a flag, and its metrics with one", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      const { loads } = JSON.parse((await get(sim, "/v1/loads?include=core")).text);
      expect(loads).toEqual([
        expect.objectContaining({
          dp_rank: 0,
          num_running_reqs: 0,
          num_waiting_reqs: 0,
          max_running_requests: 256,
          token_usage: 0,
        }),
      ]);
      expect((await get(sim, "/metrics")).status).toBe(404);
      await sim.configure({ lacks: [] });
      expect((await get(sim, "/metrics")).text).toContain(
        'sglang:num_running_reqs{engine_type="unified",model_name="sim-model",moe_ep_rank="0",pp_rank="0",tp_rank="0"} 0.0\n',
      );
    }));

  it("lists its adapters below its model, and finds its model alone", () =>
    withSimulator({ kind: "sglang", models: ["base", "sql"] }, async (sim) => {
      const { data } = JSON.parse((await get(sim, "/v1/models")).text);
      expect(data[1]).toEqual({
        id: "sql",
        object: "model",
        created: 1,
        owned_by: "sglang",
        root: "/adapters/sql",
        parent: "base",
        max_model_len: null,
      });
      expect((await get(sim, "/v1/models/base")).status).toBe(200);
      const missing = await get(sim, "/v1/models/none");
      expect(missing.status).toBe(404);
      expect(JSON.parse(missing.text).error).toMatchObject({ code: "model_not_found" });
    }));

  it("generates a token for each look at its health", () =>
    withSimulator({ kind: "sglang" }, async (sim) => {
      expect(await get(sim, "/health")).toMatchObject({ status: 200, text: "" });
      await sim.waitFor(({ tokens }) => tokens === 1);
    }));
});

describe("openai", () => {
  const head = `"id":"chatcmpl-x","object":"chat.completion.chunk","created":1,"model":"sim-model","service_tier":"default","system_fingerprint":"fp_50cad350e4"`;
  const chunks = (rest: string) => [
    `{${head},"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]${rest}}`,
    `{${head},"choices":[{"index":0,"delta":{"content":${one}},"logprobs":null,"finish_reason":null}]${rest}}`,
    `{${head},"choices":[{"index":0,"delta":{"content":${two}},"logprobs":null,"finish_reason":null}]${rest}}`,
    `{${head},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]${rest}}`,
  ];

  it("streams a chat byte for byte", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      expect(withoutId((await post(sim, "/v1/chat/completions", TWO)).text)).toBe(
        sse(...chunks(""), "[DONE]"),
      );
    }));

  it("says `usage: null` in every chunk before the one that has it", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", WITH_USAGE);
      const details = `"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}`;
      const usage = `{${head},"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,${details}}}`;
      expect(withoutId(text)).toBe(sse(...chunks(',"usage":null'), usage, "[DONE]"));
    }));

  it("writes whole bodies with an indent of two and a final line feed", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", WHOLE);
      expect(text).toBe(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
    }));
});

describe("ollama", () => {
  const line = (at: string, content: string) =>
    `{"model":"sim-model","created_at":"1970-01-01T00:00:01.${at}Z","message":{"role":"assistant","content":${content}},"done":false}\n`;

  it("streams native lines with rising times and ends with counts in nanoseconds", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const heard = await post(sim, "/api/chat", { model: "sim-model", messages: TWO.messages });
      expect(heard.headers.get("content-type")).toBe("application/x-ndjson");
      expect(heard.text).toBe(
        lines(
          line("016107113", one),
          line("032214226", two),
          `{"model":"sim-model","created_at":"1970-01-01T00:00:01.032214226Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop",`,
          `"total_duration":152463756,"load_duration":2154458,"prompt_eval_count":8,"prompt_eval_duration":118095072,"eval_count":2,"eval_duration":32214226}\n`,
        ),
      );
    }));

  it("ends a native stream that fails with an error line", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const heard = await post(sim, "/api/chat", chat("Hello [sim tokens=2 error=1]"));
      expect(heard.text).toBe(
        lines(
          line("016107113", one),
          `{"error":"an error was encountered while running the model: unexpected EOF"}\n`,
        ),
      );
    }));

  it("escapes markup and line separators as Go does", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const heard = await post(sim, "/api/chat", { ...chat("Hello [sim tokens=2000]"), stream: false });
      for (const escaped of ["\\u003cb\\u003e", "R\\u0026D", "\\u2028"])
        expect(heard.text).toContain(escaped);
      expect(heard.text).not.toMatch(/[<>&\u2028]/);
    }));

  const head = (id = "sim-model") =>
    `"id":"chatcmpl-x","object":"chat.completion.chunk","created":1,"model":"${id}","system_fingerprint":"fp_ollama"`;

  it("says role and text in the first chunk of its OpenAI layer, and finishes in a chunk of its own", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", WITH_USAGE);
      expect(withoutId(text)).toBe(
        sse(
          `{${head()},"choices":[{"index":0,"delta":{"role":"assistant","content":${one}},"finish_reason":null}]}`,
          `{${head()},"choices":[{"index":0,"delta":{"content":${two}},"finish_reason":null}]}`,
          `{${head()},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
          `{${head()},"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}`,
          "[DONE]",
        ),
      );
    }));

  it("loses the text of an error on its OpenAI layer: an empty chunk without a model, and the end", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const { text } = await post(sim, "/v1/chat/completions", chat("Hello [sim tokens=2 error=1]"));
      const lost = `{${head("")},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`;
      expect(withoutId(text)).toMatch(/^data: .*\n\n/);
      expect(withoutId(text).split("\n\n").slice(1).join("\n\n")).toBe(sse(lost));
    }));

  it("puts a zeroed usage into every chunk of a completion before the real one", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const body = {
        model: "sim-model",
        prompt: "Hello [sim tokens=1]",
        stream: true,
        stream_options: { include_usage: true },
      };
      const { text } = await post(sim, "/v1/completions", body);
      expect(
        text.match(/"usage":\{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0\}/g),
      ).toHaveLength(2);
      expect(text).toContain(
        '"choices":[],"model":"sim-model","system_fingerprint":"fp_ollama","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}',
      );
    }));
});

describe("what each kind tells about itself", () => {
  it.each([
    ["vllm", "/health", ""],
    ["vllm", "/version", '{"version":"0.28.0"}'],
    ["vllm", "/load", '{"server_load":0}'],
    ["llama-cpp", "/health", '{"status":"ok"}'],
    ["ollama", "/", "Ollama is running"],
    ["ollama", "/api/version", '{"version":"0.33.0-rc2"}'],
  ] as const)("%s %s", (kind, path, body) =>
    withSimulator({ kind }, async (sim) => {
      expect(await get(sim, path)).toMatchObject({ status: 200, text: body });
    }),
  );

  it.each([
    [
      "vllm",
      'vllm:num_requests_running{engine="0",model_name="sim-model"} 0.0',
      'vllm:generation_tokens_total{engine="0",model_name="sim-model"} 5.0',
    ],
    ["llama-cpp", "llamacpp:requests_processing 0", "llamacpp:tokens_predicted_total 5"],
  ] as const)("%s counts its work under its own metric names", (kind, running, tokens) =>
    withSimulator({ kind }, async (sim) => {
      await post(sim, "/v1/chat/completions", chat("Hello [sim tokens=5]"));
      await sim.waitFor(({ tokens }) => tokens === 5);
      const { text } = await get(sim, "/metrics");
      expect(text).toContain(`${running}\n`);
      expect(text).toContain(`${tokens}\n`);
    }),
  );

  it.each(["vllm", "llama-cpp", "ollama", "openai", "sglang"] as const)(
    "%s lists its models in OpenAI's shape",
    (kind) =>
      withSimulator({ kind, models: ["a", "b"] }, async (sim) => {
        const { data } = JSON.parse((await get(sim, "/v1/models")).text);
        const ids = {
          vllm: ["a", "b"],
          "llama-cpp": ["a"],
          ollama: ["a:latest", "b:latest"],
          openai: ["a", "b"],
          sglang: ["a", "b"],
        };
        expect(data.map(({ id }: { id: string }) => id)).toEqual(ids[kind]);
      }),
  );

  it("counts tokens on vllm's /tokenize as it counts them in usage", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const { messages } = chat("How many tokens, exactly?");
      const { count, tokens } = JSON.parse((await post(sim, "/tokenize", { messages })).text);
      const { usage } = JSON.parse((await post(sim, "/v1/chat/completions", { messages })).text);
      expect(count).toBe(usage.prompt_tokens);
      expect(tokens).toHaveLength(count);
    }));
});
