import type { Feature } from "./abilities.ts";
import type { Operation } from "./engine.ts";

type Fields = Readonly<Record<string, unknown>>;

/** How a feature is asked for, and how one can see that an engine was. */
export type FeatureSample = {
  /** As README shows it. */
  readonly title: string;
  /** Where it is asked for. */
  readonly operation: Operation;
  /** The members of a request that ask for it, besides the least that the operation needs. */
  readonly fields: Fields;
  /** The same in a legacy completion, for engines without chats; undefined where it cannot be asked for there. */
  readonly inCompletion?: Fields;
  /** What a refusal names; undefined where the whole operation is refused. */
  readonly param?: string;
  /** Texts that are in what the engine is sent, in whatever words; none where nothing in a request need tell of it. */
  readonly traces?: readonly string[];
  /** What it makes no sense without; its sample has the same fields, and where it is refused, so is this. */
  readonly needs?: Feature;
  /** Where the platform does it, nothing in a request asks for it: it is done to every answer. */
  readonly unasked?: true;
};

const tools = [
  {
    type: "function",
    function: { name: "look_up", parameters: { type: "object", properties: { word: { type: "string" } } } },
  },
];
const schema = { type: "object", properties: { colour_name: { type: "string" } }, required: ["colour_name"] };
const image = { type: "image_url", image_url: { url: "data:image/png;base64,aWNvbg==" } };
const usage = { stream: true, stream_options: { include_usage: true } };
const stop = { stop: ["STOP_HERE"] };
const seed = { seed: 424_242 };
const bias = { logit_bias: { "424242": -7 } };
const penalty = { frequency_penalty: 0.25 };
const choices = { n: 3 };

/** A sample of each feature: what the contract asks every engine for, and the lines of README's table. */
export const FEATURE_SAMPLES: Readonly<Record<Feature, FeatureSample>> = {
  chat: { title: "chat completions", operation: "chat", fields: {}, traces: ["Name one thing"] },
  completion: {
    title: "legacy completions",
    operation: "completion",
    fields: {},
    traces: ["Once upon a time"],
  },
  embedding: { title: "embeddings", operation: "embedding", fields: {}, traces: ["a kitten"] },
  rerank: { title: "reranking", operation: "rerank", fields: {}, traces: ["a kitten", "a tax form"] },
  images: {
    title: "images in messages",
    operation: "chat",
    fields: { messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, image] }] },
    param: "messages[0].content[1]",
    traces: ["aWNvbg=="],
  },
  tools: { title: "`tools`", operation: "chat", fields: { tools }, param: "tools", traces: ["look_up"] },
  tool_choice: {
    title: "`tool_choice` by name",
    operation: "chat",
    fields: { tools, tool_choice: { type: "function", function: { name: "look_up" } } },
    param: "tool_choice",
    traces: ["tool_choice"],
    needs: "tools",
  },
  json_object: {
    title: "`json_object`",
    operation: "chat",
    fields: { response_format: { type: "json_object" } },
    param: "response_format",
    traces: ["json"],
  },
  json_schema: {
    title: "`json_schema`",
    operation: "chat",
    fields: { response_format: { type: "json_schema", json_schema: { name: "colour", schema } } },
    param: "response_format",
    traces: ["colour_name"],
  },
  reasoning: {
    title: "reasoning apart from the text",
    operation: "chat",
    fields: { reasoning_effort: "low" },
    param: "reasoning_effort",
    traces: ['"low"'],
    unasked: true,
  },
  logprobs: {
    title: "`logprobs`",
    operation: "chat",
    fields: { logprobs: true, top_logprobs: 2 },
    inCompletion: { logprobs: 2 },
    param: "logprobs",
    traces: ["logprobs"],
  },
  several_choices: {
    title: "several choices (`n`)",
    operation: "chat",
    fields: choices,
    inCompletion: choices,
    param: "n",
    traces: ['"n":3'],
  },
  stop: {
    title: "`stop`",
    operation: "chat",
    fields: stop,
    inCompletion: stop,
    param: "stop",
    traces: ["STOP_HERE"],
  },
  seed: {
    title: "`seed`",
    operation: "chat",
    fields: seed,
    inCompletion: seed,
    param: "seed",
    traces: ["424242"],
  },
  logit_bias: {
    title: "`logit_bias`",
    operation: "chat",
    fields: bias,
    inCompletion: bias,
    param: "logit_bias",
    traces: ["424242", "-7"],
  },
  penalties: {
    title: "`frequency_penalty`",
    operation: "chat",
    fields: penalty,
    inCompletion: penalty,
    param: "frequency_penalty",
    traces: ["0.25"],
  },
  usage_in_streams: {
    title: "usage in streams",
    operation: "chat",
    fields: usage,
    inCompletion: usage,
    param: "stream_options",
  },
  // Asked for by the platform, and not by callers: see `StreamedExchange.continue`.
  continuation: { title: "continuing a broken stream", operation: "chat", fields: {} },
};

/** The least that a request of each operation needs, but for its model. */
export const LEAST: Readonly<Record<Operation, Fields>> = {
  chat: { messages: [{ role: "user", content: "Name one thing" }] },
  completion: { prompt: "Once upon a time" },
  embedding: { input: "a kitten" },
  rerank: { query: "a cat", documents: ["a kitten", "a tax form"] },
};
