import { ChatRequest } from "../contracts/chat.ts";
import { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall } from "./engine.ts";
import { estimateChatTokens, estimatePromptTokens } from "./estimate.ts";
import { refuseForAll, unsupported } from "./openai-dialect.ts";

// What all three servers of DeepSpeed-MII have in common. None of them ever refuses a field: what they do not know
// they drop without a word (https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/entrypoints/data_models.py), so
// every field is either sent, done by us, or refused by name.

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

const CHAT_FIELDS: ReadonlySet<string> = new Set(Object.keys(ChatRequest.shape));
const COMPLETION_FIELDS: ReadonlySet<string> = new Set(Object.keys(CompletionRequest.shape));

const isNumberBut = (none: number) => (value: unknown) => value !== none;
const isGiven = () => true;
const isTrue = (value: unknown) => value === true;
const hasMembers = (value: unknown) => Object.keys(value as object).length > 0;

/** OpenAI's fields that have no effect there, and when they ask for one. Null never does. */
const WITHOUT_EFFECT: readonly (readonly [field: string, asks: (value: unknown) => boolean])[] = [
  ["seed", isGiven],
  ["logit_bias", hasMembers],
  ["presence_penalty", isNumberBut(0)],
  ["frequency_penalty", isNumberBut(0)],
  ["logprobs", (value) => value !== false],
  ["top_logprobs", isNumberBut(0)],
  ["response_format", (value) => (value as { type?: unknown }).type !== "text"],
  ["reasoning_effort", (value) => value !== "none"],
  ["best_of", (value) => (value as number) > 1],
  ["echo", isTrue],
  ["suffix", (value) => value !== ""],
];

/** The engine's own fields, and why callers may not set them. */
const NOT_FOR_CALLERS: Readonly<Record<string, string>> = {
  top_k: "cannot be set: one batch of requests with and without it stops the engine's generation thread",
  min_tokens: "cannot be set: the engine counts the prompt as part of it",
  ignore_eos: "is not accepted from callers",
  max_length: "is not accepted from callers",
};

/** What a request may not ask of any of the three servers; the engine would answer as if it had not been asked. */
function refuse(
  { body, engine }: EngineCall<Json & { n?: number | null | undefined }>,
  known: ReadonlySet<string>,
): Refusal | undefined {
  const kept = Object.keys(body).find((name) => body[name] != null && NOT_FOR_CALLERS[name] !== undefined);
  if (kept !== undefined) return unsupported(engine, kept, NOT_FOR_CALLERS[kept] ?? "");
  const unknown = Object.keys(body).find((name) => body[name] != null && !known.has(name));
  if (unknown !== undefined)
    return unsupported(
      engine,
      unknown,
      "is no field of OpenAI's for this operation: DeepSpeed-MII ignores it",
    );
  if ((body.n ?? 1) > 1)
    return unsupported(engine, "n", "greater than 1 is not supported by DeepSpeed-MII in one request");
  const idle = WITHOUT_EFFECT.find(([name, asks]) => body[name] != null && asks(body[name]))?.[0];
  return idle === undefined ? undefined : unsupported(engine, idle, "is not supported by DeepSpeed-MII");
}

/** What asks for a tool; tools that must not be called are only left out. */
function refuseTools({ body, engine }: EngineCall<ChatRequest>): Refusal | undefined {
  const { tools, tool_choice: choice } = body;
  if (tools?.length && choice !== "none")
    return unsupported(engine, "tools", "is not supported by DeepSpeed-MII");
  if (choice && choice !== "auto" && choice !== "none")
    return unsupported(engine, "tool_choice", "is not supported by DeepSpeed-MII");
  return undefined;
}

/**
 * A prompt that cannot fit the context, where its length is known. The engine gives no reason then: it answers 500, or
 * is silent in a stream.
 */
function tooLong(call: EngineCall<unknown>, param: string, promptTokens: number): Refusal | undefined {
  const { contextLength } = call.model;
  if (contextLength === undefined || promptTokens < contextLength) return undefined;
  return err({
    kind: "invalid_request",
    param,
    code: "context_length_exceeded",
    message: `The model \`${call.model.names[0] ?? ""}\` takes ${contextLength} tokens of prompt and answer together; \`${param}\` alone has about ${promptTokens}.`,
  });
}

/** Why a chat cannot be sent to DeepSpeed-MII; undefined where it can. */
export function refuseChat(call: EngineCall<ChatRequest>): Refusal | undefined {
  const forAll = refuseForAll(call);
  if (forAll) return err(forAll);
  return (
    refuse(call, CHAT_FIELDS) ??
    refuseTools(call) ??
    tooLong(call, "messages", estimateChatTokens(call.body.messages))
  );
}

/** Likewise for a legacy completion. */
export function refuseCompletion(call: EngineCall<CompletionRequest>): Refusal | undefined {
  const refused = refuse(call, COMPLETION_FIELDS);
  if (refused) return refused;
  if (call.body.max_tokens === 0)
    return unsupported(call.engine, "max_tokens", "must be 1 at least with DeepSpeed-MII");
  return tooLong(call, "prompt", longestOf(call.body));
}

/** Each prompt has the context to itself. */
function longestOf({ prompt }: CompletionRequest): number {
  const all = Array.isArray(prompt) ? prompt : [prompt ?? ""];
  return Math.max(...all.map((each) => (typeof each === "number" ? 0 : estimatePromptTokens(each))));
}

/** The texts to complete. Fails for token ids, for which the engine has no way in, and for empty texts. */
export function promptTexts({ body, engine }: EngineCall<CompletionRequest>): Result<string[], Failure> {
  const list = Array.isArray(body.prompt) ? body.prompt : [body.prompt];
  const texts = list.filter((each) => typeof each === "string" && each !== "") as string[];
  if (texts.length === list.length) return ok(texts);
  return unsupported(engine, "prompt", "must be text with DeepSpeed-MII: no token ids, and none empty");
}

/** Likewise where a server completes only the first prompt of several. */
export function onePrompt(call: EngineCall<CompletionRequest>): Result<string, Failure> {
  const texts = promptTexts(call);
  if (!texts.ok) return texts;
  const [text, ...more] = texts.value;
  return text === undefined || more.length > 0
    ? unsupported(
        call.engine,
        "prompt",
        "must be one text: the engine streams an answer to the first one only",
      )
    : ok(text);
}

/**
 * Tokens of a chat's answer where its caller sets no bound: the engine's own default for prompt and answer together.
 * Nothing ends a generation there but its bound: not even a client that has left.
 */
export const CHAT_TOKENS_DEFAULT = 1024;
/** OpenAI's own default for legacy completions. */
const COMPLETION_TOKENS_DEFAULT = 16;

/** Tokens that the answer may have. It is sent always: the servers' own default is 128. */
export const tokensMaxOf = (body: ChatRequest | CompletionRequest): number =>
  ("messages" in body ? (body as ChatRequest).max_completion_tokens : undefined) ??
  body.max_tokens ??
  ("messages" in body ? CHAT_TOKENS_DEFAULT : COMPLETION_TOKENS_DEFAULT);

/** With so little of the probability only the likeliest token is left: the engine keeps one in any case. */
const TOP_P_GREEDY = 0.000001;

/** Where the engine keeps something for each value that it has seen, and looks through all of it for each token. */
const hundredths = (value: number): number => Math.round(value * 100) / 100;

/** Sampling as every request must say it. */
export type Sampling = { readonly temperature: number; readonly top_p: number };

/**
 * Temperature and top_p, both in every request: where one request of a batch has a temperature and its neighbour has
 * none, the engine's generation thread dies and all wait for ever (issue #471 there). `top_k` is never sent for the same
 * reason. Whoever else uses the deployment has to do likewise. Zero, which the engine refuses, means the likeliest token.
 */
export function samplingOf(body: ChatRequest | CompletionRequest, usual: Sampling): Sampling {
  const temperature = hundredths(body.temperature ?? usual.temperature);
  const top_p = hundredths(body.top_p ?? usual.top_p);
  if (temperature === 0 || top_p === 0) return { temperature: 1, top_p: TOP_P_GREEDY };
  return { temperature, top_p };
}

/** Whether the likeliest token is to be taken each time. */
export const isGreedy = ({ top_p }: Sampling): boolean => top_p === TOP_P_GREEDY;

/** The texts at which the caller wants the answer to end; the engine's own way of stopping is never used. */
export const stopsOf = ({ stop }: ChatRequest | CompletionRequest): readonly string[] =>
  typeof stop === "string" ? [stop] : (stop ?? []);
