import { z } from "zod";
import { LogitBias, Metadata, Seed, ServiceTier, Stop, StreamOptions, Usage } from "./common.ts";

// OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create
// Objects are loose: a field we do not know travels on to engines that take it (top_k, min_p, chat_template_kwargs ...).

const TextPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const RefusalPart = z.looseObject({ type: z.literal("refusal"), refusal: z.string() });
const ImagePart = z.looseObject({
  type: z.literal("image_url"),
  image_url: z.looseObject({ url: z.string().min(1), detail: z.enum(["auto", "low", "high"]).optional() }),
});
const AudioPart = z.looseObject({
  type: z.literal("input_audio"),
  input_audio: z.looseObject({ data: z.string().min(1), format: z.string().min(1) }),
});
const FilePart = z.looseObject({ type: z.literal("file"), file: z.looseObject({}) });
const VideoPart = z.looseObject({
  type: z.literal("video_url"),
  video_url: z.looseObject({ url: z.string().min(1) }),
});

/** One part of a message's content. */
export const ContentPart = z
  .discriminatedUnion("type", [TextPart, RefusalPart, ImagePart, AudioPart, FilePart, VideoPart])
  .meta({ id: "ContentPart" });
export type ContentPart = z.infer<typeof ContentPart>;

const content = z.union([z.string(), z.array(ContentPart).min(1)]);

const FunctionCall = z.looseObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string().min(1),
    arguments: z.string().meta({ description: "JSON, as text." }),
  }),
});
export type FunctionCall = z.infer<typeof FunctionCall>;

const CustomCall = z.looseObject({
  id: z.string().min(1),
  type: z.literal("custom"),
  custom: z.looseObject({
    name: z.string().min(1),
    input: z.string().meta({ description: "Text of whatever form the tool asks for." }),
  }),
});

/** A call that the model made, as it comes back in the conversation: of a function, or of a tool that takes any text. */
export const ToolCall = z.discriminatedUnion("type", [FunctionCall, CustomCall]).meta({ id: "ToolCall" });
export type ToolCall = z.infer<typeof ToolCall>;

/** Whether a call is of a function: all that most engines know. */
export const isFunctionCall = (call: ToolCall): call is FunctionCall => call.type === "function";

const name = z.string().min(1).optional();

/** One message of the conversation. */
export const ChatMessage = z
  .discriminatedUnion("role", [
    z.looseObject({ role: z.literal("system"), content, name }),
    z.looseObject({ role: z.literal("developer"), content, name }),
    z.looseObject({ role: z.literal("user"), content, name }),
    z.looseObject({
      role: z.literal("assistant"),
      content: content.nullish(),
      name,
      refusal: z.string().nullish(),
      reasoning_content: z.string().nullish(),
      tool_calls: z.array(ToolCall).min(1).optional(),
    }),
    z.looseObject({ role: z.literal("tool"), content, tool_call_id: z.string().min(1) }),
    z.looseObject({ role: z.literal("function"), content: z.string().nullable(), name: z.string().min(1) }),
  ])
  .meta({ id: "ChatMessage" });
export type ChatMessage = z.infer<typeof ChatMessage>;

const toolName = z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/);

const FunctionTool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: toolName,
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});
export type FunctionTool = z.infer<typeof FunctionTool>;

const CustomTool = z.looseObject({
  type: z.literal("custom"),
  custom: z.looseObject({
    name: toolName,
    description: z.string().optional(),
    format: z
      .discriminatedUnion("type", [
        z.looseObject({ type: z.literal("text") }),
        z.looseObject({
          type: z.literal("grammar"),
          grammar: z.looseObject({ definition: z.string().min(1), syntax: z.enum(["lark", "regex"]) }),
        }),
      ])
      .optional(),
  }),
});

/** A function that the model may call, or a tool that takes any text: only hosted APIs of kind `openai` know those. */
export const Tool = z.discriminatedUnion("type", [FunctionTool, CustomTool]).meta({ id: "Tool" });
export type Tool = z.infer<typeof Tool>;

/** Whether a tool is a function: all that most engines know. */
export const isFunctionTool = (tool: Tool): tool is FunctionTool => tool.type === "function";

const named = z.looseObject({ name: z.string().min(1) });
const NamedFunction = z.looseObject({ type: z.literal("function"), function: named });
const NamedCustom = z.looseObject({ type: z.literal("custom"), custom: named });
const NamedTool = z.discriminatedUnion("type", [NamedFunction, NamedCustom]);

/** Which tool the model must, may or must not call. */
export const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  NamedFunction,
  NamedCustom,
  z.looseObject({
    type: z.literal("allowed_tools"),
    allowed_tools: z.looseObject({ mode: z.enum(["auto", "required"]), tools: z.array(NamedTool).min(1) }),
  }),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;

/** The form that the answer must have. */
export const ResponseFormat = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    json_schema: z.looseObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
      description: z.string().optional(),
      schema: z.record(z.string(), z.unknown()).optional(),
      strict: z.boolean().nullish(),
    }),
  }),
  // vLLM's own: constraints that begin with a tag in the text.
  z.looseObject({ type: z.literal("structural_tag") }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** `POST /v1/chat/completions`: every field of OpenAI, with OpenAI's meaning. */
export const ChatRequest = z
  .looseObject({
    model: z
      .string()
      .min(1)
      .meta({ description: "A model of GET /v1/models.", example: "smollm2-135m-instruct" }),
    messages: z.array(ChatMessage).min(1).meta({ description: "The conversation so far, oldest first." }),
    stream: z
      .boolean()
      .nullish()
      .meta({ description: "Send the answer as it is made, as server-sent events." }),
    stream_options: StreamOptions.nullish(),
    max_completion_tokens: z
      .int()
      .min(1)
      .nullish()
      .meta({ description: "Most tokens of the answer, reasoning included." }),
    max_tokens: z
      .int()
      .min(1)
      .nullish()
      .meta({ deprecated: true, description: "Older name of max_completion_tokens." }),
    temperature: z.number().min(0).max(2).nullish().meta({
      description:
        "0 always takes the likeliest token; higher values vary more. The engine's default where absent.",
    }),
    top_p: z
      .number()
      .min(0)
      .max(1)
      .nullish()
      .meta({ description: "Consider only the likeliest tokens whose probabilities add up to this." }),
    n: z.int().min(1).max(128).nullish().meta({ description: "How many answers to make." }),
    stop: Stop.nullish().meta({
      description: "Up to four texts at which the answer ends; it does not contain them.",
    }),
    seed: Seed.nullish().meta({
      description: "The same seed, request and engine give the same answer, as far as the engine can.",
    }),
    presence_penalty: z
      .number()
      .min(-2)
      .max(2)
      .nullish()
      .meta({ description: "Positive values favour tokens that have not come yet." }),
    frequency_penalty: z
      .number()
      .min(-2)
      .max(2)
      .nullish()
      .meta({ description: "Positive values work against repeating tokens, the more often they came." }),
    logit_bias: LogitBias.nullish().meta({ description: "Bias of tokens, by token id." }),
    logprobs: z.boolean().nullish().meta({ description: "Send the log probability of every token." }),
    top_logprobs: z
      .int()
      .min(0)
      .max(20)
      .nullish()
      .meta({ description: "With logprobs: how many likely alternatives to send for each token." }),
    tools: z.array(Tool).max(128).nullish().meta({
      description:
        "Functions that the model may call; a hosted API of kind `openai` takes `custom` tools too.",
    }),
    tool_choice: ToolChoice.nullish().meta({
      description: "Whether and which tool must be called; `auto` with tools, else `none`.",
    }),
    parallel_tool_calls: z
      .boolean()
      .nullish()
      .meta({ description: "Whether one answer may call several tools." }),
    response_format: ResponseFormat.nullish().meta({
      description: "Make the answer JSON, or JSON of a schema.",
    }),
    reasoning_effort: z
      .enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
      .nullish()
      .meta({ description: "How long a reasoning model may think." }),
    verbosity: z
      .enum(["low", "medium", "high"])
      .nullish()
      .meta({ description: "Only `medium`, but where a hosted API of kind `openai` has others." }),
    modalities: z
      .array(z.enum(["text", "audio"]))
      .nullish()
      .meta({ description: "Only `text`, but where a hosted API of kind `openai` makes sound." }),
    audio: z.looseObject({}).nullish(),
    prediction: z.looseObject({}).nullish(),
    web_search_options: z.looseObject({}).nullish(),
    metadata: Metadata.nullish().meta({ description: "Labels of your own." }),
    store: z.boolean().nullish().meta({ description: "Accepted; nothing is stored." }),
    service_tier: ServiceTier.nullish().meta({ description: "Accepted; engines have one tier." }),
    user: z.string().nullish().meta({ description: "Your own name for the end user." }),
    safety_identifier: z.string().nullish(),
    prompt_cache_key: z.string().nullish(),
  })
  .meta({ id: "ChatRequest" });
export type ChatRequest = z.infer<typeof ChatRequest>;

/** Why the model stopped; set only after true success. */
export const FinishReason = z.enum(["stop", "length", "tool_calls", "content_filter", "function_call"]);
export type FinishReason = z.infer<typeof FinishReason>;

const TokenLogprob = z.looseObject({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int()).nullable(),
  top_logprobs: z.array(
    z.looseObject({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullable() }),
  ),
});

/** Log probabilities of an answer's tokens. */
export const ChatLogprobs = z.looseObject({
  content: z.array(TokenLogprob).nullable(),
  refusal: z.array(TokenLogprob).nullish(),
});
export type ChatLogprobs = z.infer<typeof ChatLogprobs>;

/** The whole answer, when `stream` is off. */
export const ChatCompletion = z
  .looseObject({
    id: z.string(),
    object: z.literal("chat.completion"),
    created: z.int().meta({ description: "Seconds since 1970." }),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        message: z.looseObject({
          role: z.literal("assistant"),
          content: z.string().nullable(),
          refusal: z.string().nullable(),
          reasoning_content: z
            .string()
            .optional()
            .meta({ description: "The model's reasoning, where the engine separates it." }),
          tool_calls: z.array(ToolCall).optional(),
        }),
        logprobs: ChatLogprobs.nullable(),
        finish_reason: FinishReason,
      }),
    ),
    usage: Usage,
  })
  .meta({ id: "ChatCompletion" });
export type ChatCompletion = z.infer<typeof ChatCompletion>;

/** A piece of a tool call: the first of an index has id and name, the later ones more of the arguments, or of a custom tool's input. */
export const ToolCallDelta = z.looseObject({
  index: z.int(),
  id: z.string().optional(),
  type: z.enum(["function", "custom"]).optional(),
  function: z.looseObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
  custom: z.looseObject({ name: z.string().optional(), input: z.string().optional() }).optional(),
});
export type ToolCallDelta = z.infer<typeof ToolCallDelta>;

/** One `data:` event of a streamed answer. */
export const ChatCompletionChunk = z
  .looseObject({
    id: z.string(),
    object: z.literal("chat.completion.chunk"),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        delta: z.looseObject({
          role: z.literal("assistant").optional(),
          content: z.string().nullish(),
          reasoning_content: z.string().nullish(),
          tool_calls: z.array(ToolCallDelta).optional(),
        }),
        logprobs: ChatLogprobs.nullish(),
        finish_reason: FinishReason.nullable(),
      }),
    ),
    usage: z.union([Usage, z.null()]).optional(),
  })
  .meta({ id: "ChatCompletionChunk" });
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>;
