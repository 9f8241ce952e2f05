import { describe, expect, it } from "vitest";
import { Fields, reading } from "./fields.ts";
import { OUTPUT_TOKENS_DEFAULT, readGenerationOptions } from "./sampling.ts";

const vocabulary = {
  vocabularyTokens: 100,
  isEndOfGeneration: (token: number) => token === 99,
  tokenize: (text: string) => [...Buffer.from(text)].map((byte) => byte % 50),
};

const read = (body: object) => reading(() => readGenerationOptions(new Fields(body), vocabulary, () => 0.5));

describe("generation options", () => {
  it("are llama-server's where the client says nothing", () => {
    expect(read({})).toEqual({
      ok: true,
      value: {
        sampling: {
          temperature: 0.8,
          topK: 40,
          topP: 0.95,
          minP: 0.05,
          seed: 2 ** 31,
          repeatPenalty: 1,
          presencePenalty: 0,
          frequencyPenalty: 0,
          repeatLastTokens: 64,
          logitBias: new Map(),
        },
        repeatable: false,
        outputTokensMax: OUTPUT_TOKENS_DEFAULT,
        stop: [],
        choices: 1,
        stream: false,
        includeUsage: false,
        topLogprobs: undefined,
      },
    });
  });

  it.each<[string, object, object]>([
    [
      "n_predict wins over the others",
      { max_tokens: 1, max_completion_tokens: 2, n_predict: 3 },
      { outputTokensMax: 3 },
    ],
    [
      "max_completion_tokens wins over max_tokens",
      { max_tokens: 1, max_completion_tokens: 2 },
      { outputTokensMax: 2 },
    ],
    ["-1 lifts the cap", { max_tokens: -1 }, { outputTokensMax: Infinity }],
    [
      "null is the default",
      { max_tokens: null, stop: null, temperature: null },
      { outputTokensMax: OUTPUT_TOKENS_DEFAULT },
    ],
    ["one stop string", { stop: "x" }, { stop: ["x"] }],
    ["several stop strings, of which empty ones are dropped", { stop: ["x", "", "y"] }, { stop: ["x", "y"] }],
    ["a seed makes an answer repeatable", { seed: 7 }, { repeatable: true, sampling: { seed: 7 } }],
    ["so does a temperature of 0", { temperature: 0 }, { repeatable: true }],
    ["a seed of -1 is none", { seed: -1 }, { repeatable: false, sampling: { seed: 2 ** 31 } }],
    ["usage in a stream", { stream: true, stream_options: { include_usage: true } }, { includeUsage: true }],
    ["logprobs of chat", { logprobs: true, top_logprobs: 3 }, { topLogprobs: 3 }],
    ["logprobs of chat without a number", { logprobs: true }, { topLogprobs: 0 }],
    ["logprobs of text completion", { logprobs: 2 }, { topLogprobs: 2 }],
    [
      "a bias by token",
      { logit_bias: { "5": -100, "6": 2 } },
      {
        sampling: {
          logitBias: new Map([
            [5, -Infinity],
            [6, 2],
          ]),
        },
      },
    ],
    [
      "a bias by text",
      {
        logit_bias: [
          ["1a", false],
          [7, 1],
        ],
      },
      {
        sampling: {
          logitBias: new Map([
            [49, -Infinity],
            [47, -Infinity],
            [7, 1],
          ]),
        },
      },
    ],
    [
      "unsupported fields at values that change nothing",
      { echo: false, best_of: 1, typical_p: 1, samplers: [], suffix: null },
      {},
    ],
    ["fields that nobody knows", { user: "u", metadata: {}, whatever: 1 }, {}],
  ])("understands %s", (_, body, expected) => {
    expect(read(body)).toMatchObject({ ok: true, value: expected });
  });

  it.each<[string, object]>([
    ["temperature", { temperature: "hot" }],
    ["temperature", { temperature: -1 }],
    ["top_p", { top_p: 1.5 }],
    ["top_k", { top_k: 1.5 }],
    ["n", { n: 5 }],
    ["n", { n: 0 }],
    ["stop", { stop: 5 }],
    ["stop", { stop: [5] }],
    ["stop", { stop: Array.from({ length: 17 }, String) }],
    ["stream", { stream: "yes" }],
    ["stream_options", { stream_options: { include_usage: true } }],
    ["top_logprobs", { top_logprobs: 3 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["logit_bias", { logit_bias: { "100": 1 } }],
    ["logit_bias", { logit_bias: { "5": "high" } }],
    ["logit_bias", { logit_bias: { "99": 1 } }],
    ["presence_penalty", { presence_penalty: 3 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["echo", { echo: true }],
    ["best_of", { best_of: 2 }],
    ["suffix", { suffix: "tail" }],
    ["mirostat", { mirostat: 2 }],
    ["functions", { functions: [{ name: "f" }] }],
    ["chat_template_kwargs", { chat_template_kwargs: { enable_thinking: false } }],
  ])("refuses %s when it is wrong or not supported, and names it", (name, body) => {
    expect(read(body)).toMatchObject({
      ok: false,
      failure: { kind: "invalid_request", message: expect.stringContaining(`'${name}'`) },
    });
  });
});
