import { estimateChatTokens, estimatePromptTokens } from "../engines/estimate.ts";
import type { ChatMessage } from "../contracts/chat.ts";
import type { Prompt } from "../contracts/completions.ts";

/** A request as far as its size goes; what it holds has been checked. */
type Body = Readonly<Record<string, unknown>>;

/** What is to be set aside for a request. */
export type RequestSize = {
  /** Tokens of the prompt, estimated. */
  readonly prompt: number;
  /** Most tokens that may be generated, of all choices; null where nobody bounds them. */
  readonly completion: number | null;
};

/** Places at which a text is looked at: what it is written in shows in so many. */
const SAMPLES = 512;
/** Tokens of an image: models take from some 85 to some 1,500. */
const IMAGE_TOKENS = 1_000;

/**
 * The size of a request, from its body and its JSON. Of plain text the whole of the JSON is taken for the prompt, which
 * costs nothing to know and is a little too much rather than too little.
 */
export function sizeOf(body: Body, text: string): RequestSize {
  return { prompt: promptOf(body, text), completion: completionOf(body) };
}

function promptOf(body: Body, text: string): number {
  const { messages, prompt, input } = body;
  if (Array.isArray(messages) && hasParts(messages as ChatMessage[]))
    return partsOf(messages as ChatMessage[]) + tokensOf(JSON.stringify(body.tools ?? ""));
  // Token ids are exact, and their JSON would be several times as long.
  if (isIds(prompt)) return estimatePromptTokens(prompt as Prompt);
  if (isIds(input)) return estimatePromptTokens(input as Prompt);
  return tokensOf(text);
}

const hasParts = (messages: readonly ChatMessage[]): boolean =>
  messages.some(({ content }) => Array.isArray(content));

const partsOf = (messages: readonly ChatMessage[]): number =>
  estimateChatTokens(messages) +
  messages
    .flatMap(({ content }) => (Array.isArray(content) ? (content as readonly { type: string }[]) : []))
    .filter(({ type }) => type !== "text").length *
    IMAGE_TOKENS;

const isIds = (value: unknown): boolean => Array.isArray(value) && typeof value.flat()[0] === "number";

/** As in the estimate of a text: four characters a token, one and a half of those of other scripts. */
function tokensOf(text: string): number {
  const stride = Math.max(1, Math.floor(text.length / SAMPLES));
  let seen = 0;
  let wide = 0;
  for (let at = 0; at < text.length; at += stride) {
    seen += 1;
    if (text.charCodeAt(at) > 0x2ff) wide += 1;
  }
  if (seen === 0) return 1;
  const share = wide / seen;
  return Math.ceil((text.length * (1 - share)) / 4 + (text.length * share) / 1.5);
}

function completionOf(body: Body): number | null {
  if (!("messages" in body || "prompt" in body)) return 0;
  const bound = body.max_completion_tokens ?? body.max_tokens;
  if (typeof bound !== "number") return null;
  const several = Math.max(count(body.n), count(body.best_of));
  return bound * several * promptsOf(body.prompt);
}

const count = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 1);

const promptsOf = (prompt: unknown): number =>
  Array.isArray(prompt) && typeof prompt[0] !== "number" ? Math.max(1, prompt.length) : 1;
