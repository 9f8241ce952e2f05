import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { asList, asObject, objectIn } from "../kernel/json.ts";
import { eventsOfSse } from "../engines/openai-stream.ts";
import { eventsIn } from "../streams/sse.ts";
import type { Frame } from "./chunk-writer.ts";

/** What a client has of an answer in OpenAI's format whose engine was lost. */
export type WrittenAnswer = {
  /** The id, time and model that all chunks of the answer have; undefined where none has come. */
  readonly frame: Frame | undefined;
  /** Choices that have begun. */
  readonly begun: readonly number[];
  /** The text of the first choice, in whole events. */
  readonly text: string;
  /** Events with a piece of it; about one token each. */
  readonly tokens: number;
  /** What else has been said, that no other engine could go on from. */
  readonly beyondText: "reasoning" | "a tool call" | "log probabilities" | "too long a text" | undefined;
  /** The latest event with text, and the one that opened the answer, as the engine wrote them. */
  readonly patterns: readonly string[];
};

/** Nothing at all. */
export const NOTHING_WRITTEN: WrittenAnswer = {
  frame: undefined,
  begun: [],
  text: "",
  tokens: 0,
  beyondText: undefined,
  patterns: [],
};

/** Reads what a client was sent: whole server-sent events. It is read only when an engine was lost, so it may cost. */
export function readWritten(transcript: string): WrittenAnswer {
  let frame: Frame | undefined;
  let text = "";
  let tokens = 0;
  let beyondText: WrittenAnswer["beyondText"];
  let opening: string | undefined;
  let latest: string | undefined;
  const begun = new Set<number>();
  for (const { raw, data } of eventsIn(transcript)) {
    const chunk = data === undefined ? undefined : objectIn(data);
    if (!chunk || asList(chunk.choices).length === 0) continue;
    frame ??= frameOf(chunk);
    opening ??= raw;
    for (const choice of asList(chunk.choices)) begun.add(Number(asObject(choice)?.index ?? 0));
    for (const event of eventsOfSse(raw, data)) {
      if (event.type !== "delta") continue;
      if (event.reasoning !== undefined) beyondText ??= "reasoning";
      if (event.toolCalls !== undefined) beyondText ??= "a tool call";
      if (event.logprobs !== undefined) beyondText ??= "log probabilities";
      if (event.index !== 0 || event.content === undefined) continue;
      text += event.content;
      tokens += 1;
      latest = raw;
    }
  }
  const patterns = [latest, opening].filter((each) => each !== undefined);
  return { frame, begun: [...begun], text, tokens, beyondText, patterns };
}

function frameOf({ id, model, created }: Record<string, unknown>): Frame {
  return {
    id: typeof id === "string" ? id : "",
    model: typeof model === "string" ? model : "",
    createdS: typeof created === "number" ? created : 0,
  };
}

/** Fields by which callers force a form upon the text. In the middle of it an engine would begin the form anew. */
const FORCED_FORMS = [
  "structured_outputs",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "grammar",
  "json_schema",
  "regex",
  "ebnf",
  "format",
];

/**
 * Why another engine may not go on with an answer, in words for the log; undefined where it may. An answer of which no
 * text has come can always be asked for anew.
 */
export function whyNotContinued(
  body: ChatRequest | CompletionRequest,
  { text, begun, beyondText }: WrittenAnswer,
): string | undefined {
  if (beyondText !== undefined) return `${beyondText} had been sent`;
  if (begun.some((index) => index > 0) || (body.n ?? 1) > 1) return "several choices were asked for";
  if (text === "") return undefined;
  if (body.logprobs != null && body.logprobs !== false) return "log probabilities were asked for";
  const { response_format } = body as ChatRequest;
  if (response_format && response_format.type !== "text") return "a form of text was asked for";
  if (FORCED_FORMS.some((name) => (body as Record<string, unknown>)[name] != null))
    return "a form of text was asked for";
  if ("prompt" in body && Array.isArray(body.prompt) && body.prompt.length > 1)
    return "several prompts were given";
  return undefined;
}
