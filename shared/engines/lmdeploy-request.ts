import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { continuedChat } from "./continued.ts";
import type { EngineCall, EngineRequest, Written } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { type Edits, allowedTools, edited, joinEdits, refuseForAll, unsupported } from "./openai-dialect.ts";

// LMDeploy's own fields: https://lmdeploy.readthedocs.io/en/latest/llm/api_server.html

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

/** Reach into the engine's sessions, caches or tokens: not for callers, and never dropped in silence. */
const OPERATORS_ONLY = [
  "session_id",
  "migration_request",
  "with_cache",
  "preserve_cache",
  "input_ids",
  "image_data",
  "return_routed_experts",
  // Of other engines, which it would ignore.
  "priority",
  "cache_salt",
];

/** Of vLLM, SGLang and llama.cpp: LMDeploy drops unknown fields without a word, and with them what they ask for. */
const IGNORED = [
  "structured_outputs",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "guided_whitespace_pattern",
  "ebnf",
  "grammar",
  "json_schema",
  "chat_template",
  "repeat_penalty",
  "min_tokens",
  "n_predict",
  "stop_token_ids",
  "stop_regex",
  "no_stop_trim",
  "bad_words",
  "allowed_token_ids",
  "use_beam_search",
  "length_penalty",
  "prompt_logprobs",
];

const isNumberBut = (none: number) => (value: unknown) => value !== none;
const hasMembers = (value: unknown) => Object.keys(value as object).length > 0;

/** OpenAI's fields that have no effect there, and when they ask for one. Null never does. */
const WITHOUT_EFFECT: readonly (readonly [field: string, asks: (value: unknown) => boolean])[] = [
  ["presence_penalty", isNumberBut(0)],
  ["frequency_penalty", isNumberBut(0)],
  // Only one of its two engines biases tokens, and nothing tells which one serves.
  ["logit_bias", hasMembers],
];

const WITHOUT_EFFECT_ON_COMPLETIONS: typeof WITHOUT_EFFECT = [
  ["echo", (value) => value === true],
  ["suffix", (value) => value !== ""],
  ["best_of", (value) => (value as number) > 1],
  // Where it is served with them, a stream breaks off.
  ["logprobs", () => true],
  ["response_format", (value) => asObject(value)?.type !== "text"],
  ["regex", () => true],
];

function refuse(
  { body, engine }: EngineCall<Json>,
  withoutEffect: typeof WITHOUT_EFFECT,
): Refusal | undefined {
  const own = OPERATORS_ONLY.find((name) => body[name] != null);
  if (own !== undefined) return unsupported(engine, own, "is not accepted from callers");
  const ignored = IGNORED.find((name) => body[name] != null);
  if (ignored !== undefined) return unsupported(engine, ignored, "is not supported by LMDeploy");
  const idle = withoutEffect.find(([name, asks]) => body[name] != null && asks(body[name]))?.[0];
  if (idle !== undefined) return unsupported(engine, idle, "has no effect in LMDeploy");
  if (typeof body.n === "number" && body.n > 1)
    return unsupported(engine, "n", "above 1 is not asked of LMDeploy");
  if (body.include_stop_str_in_output === true && body.stop != null)
    return unsupported(engine, "include_stop_str_in_output", "is not supported together with `stop`");
  return undefined;
}

/** A tool that must be called is there only told to the model like any other. */
function refuseTools({ body, engine }: EngineCall<ChatRequest>): Refusal | undefined {
  const { tool_choice: choice } = body;
  const forced =
    choice === "required" ||
    (typeof choice === "object" &&
      choice !== null &&
      (choice.type !== "allowed_tools" || choice.allowed_tools.mode === "required"));
  return forced
    ? unsupported(engine, "tool_choice", "cannot force a call: LMDeploy leaves the choice to the model")
    : undefined;
}

/** It has no null for these. */
const NEVER_NULL = ["tool_choice", "repetition_ngram_size", "repetition_ngram_threshold"];

/**
 * What every request is told, and what none is. Usage is always asked for. Stop texts are ours to find: the engine knows
 * single tokens only, ends at any that contains the text, and then drops the rest of that token.
 */
function common(body: Json): Edits {
  const set = {
    stream: true,
    stream_options: { ...asObject(body.stream_options), include_usage: true },
  };
  const nulls = [...OPERATORS_ONLY, ...NEVER_NULL].filter((name) => body[name] === null);
  // -1 is vLLM's and SGLang's word for all tokens; here it is a 400, and all are meant without it.
  const all = typeof body.top_k === "number" && body.top_k < 0 ? ["top_k"] : [];
  return { set, remove: ["stop", "n", ...nulls, ...all] };
}

/** Tools that must not be called are told to the model all the same, and it may call them. */
function tools({ tools: given, tool_choice: choice }: ChatRequest): Edits {
  if (!given || (given.length > 0 && choice !== "none")) return {};
  return { remove: ["tools", "tool_choice", "parallel_tool_calls"] };
}

/** Efforts in its own words; none at all is an argument of the template. */
function effort({ reasoning_effort: asked, chat_template_kwargs: given }: ChatRequest): Edits {
  if (asked === "minimal") return { set: { reasoning_effort: "low" } };
  if (asked === "xhigh") return { set: { reasoning_effort: "max" } };
  if (asked !== "none") return {};
  return {
    set: { chat_template_kwargs: { enable_thinking: false, ...asObject(given) } },
    remove: ["reasoning_effort"],
  };
}

/** A regular expression for the whole text has SGLang's name, and is a format there. */
function regex({ regex: pattern }: ChatRequest & { regex?: unknown }): Edits {
  if (pattern == null) return {};
  return { set: { response_format: { type: "regex_schema", regex_schema: pattern } }, remove: ["regex"] };
}

/** A message of calls alone has no content; templates for images need one. */
function messages({ messages: given }: ChatRequest): Edits {
  if (given.every(({ content }) => content != null)) return {};
  return { set: { messages: given.map((each) => ({ ...each, content: each.content ?? "" })) } };
}

/** `POST /v1/chat/completions`, always as a stream. */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const refused = refuseForAll(call);
  if (refused) return err(refused);
  const { body, engine } = call;
  const allowed = allowedTools(body);
  if (!allowed) return unsupported(engine, "tool_choice", "names a tool that is not among `tools`");
  if (body.regex != null && body.response_format != null && body.response_format.type !== "text")
    return unsupported(engine, "regex", "cannot be asked for together with a `response_format`");
  const edits = joinEdits(common(body), effort(body), regex(body), messages(body), allowed, tools(body));
  return refuse(call, WITHOUT_EFFECT) ?? refuseTools(call) ?? ok(edited("/v1/chat/completions", call, edits));
}

/** OpenAI's own limit for a legacy completion; LMDeploy would go on to the end of the context. */
const COMPLETION_TOKENS_DEFAULT = 16;

/** `POST /v1/completions`, always as a stream. */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const { prompt } = body;
  // Of a list each item is a prompt, a number as well.
  if (prompt === null || (typeof prompt !== "string" && prompt.some((each) => typeof each !== "string")))
    return unsupported(engine, "prompt", "must be text: LMDeploy takes no token ids");
  const isLimited = body.max_tokens != null || body.max_completion_tokens != null;
  const limit: Edits = isLimited ? {} : { set: { max_tokens: COMPLETION_TOKENS_DEFAULT } };
  return (
    refuse(call, [...WITHOUT_EFFECT, ...WITHOUT_EFFECT_ON_COMPLETIONS]) ??
    ok(edited("/v1/completions", call, joinEdits(common(body), limit)))
  );
}

/**
 * A chat that goes on: a closing assistant message is the beginning of the answer in any case. Its parser would take the
 * rest for reasoning where the model may think, which it has done or not done already.
 */
export function continueChat(
  call: EngineCall<ChatRequest>,
  written: Written,
): Result<EngineRequest, Failure> {
  if (call.body.regex != null)
    return unsupported(call.engine, "regex", "cannot be kept to by an answer that another engine began");
  const kwargs = { ...asObject(call.body.chat_template_kwargs), enable_thinking: false };
  return encodeChat(continuedChat(call, written, { merges: true, extra: { chat_template_kwargs: kwargs } }));
}
