import { countTokens } from "./generate.ts";
import { isObject, listOf, objectOf, textOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

/** A conversation as the simulated model reads it. */
export type Conversation = {
  /** Keys the answer. Whitespace and the split of one turn over several messages do not count, because gateways and
   *  engines re-cut both while the answer has to stay comparable. */
  context: string;
  /** The beginning of the answer, which the model goes on from. */
  prefill: string;
  promptTokens: number;
  /** The last message, if the user said it: where `[tool]` and `[think]` are looked for. */
  lastUserText: string;
  /** Every image given, as the caller wrote it: a URL, a data URI, bare base64. */
  images: string[];
};

const TOKENS_PER_MESSAGE = 4;
const TOKENS_TO_OPEN_ANSWER = 3;

/**
 * Reads a list of chat messages (OpenAI's or Ollama's). With `continues`, a closing assistant message is the beginning
 * of the answer; without it, it is one more turn of the past.
 */
export function readConversation(messages: Json | undefined, continues = true): Conversation {
  const list = listOf(messages).filter(isObject);
  const last = list.at(-1);
  const prefill =
    continues && last && roleOf(last) === "assistant" && !last["tool_calls"] ? messageText(last) : "";
  const past = prefill === "" ? list : list.slice(0, -1);
  const asked = past.at(-1);
  return {
    context: contextOf(past),
    prefill,
    promptTokens: promptTokensOf(past) + countTokens(prefill),
    lastUserText: asked && roleOf(asked) === "user" ? messageText(asked) : "",
    images: list.flatMap(messageImages),
  };
}

/** A legacy prompt: the answer continues the prompt itself. */
export function readPrompt(prompt: string): Conversation {
  return {
    context: "",
    prefill: prompt,
    promptTokens: countTokens(prompt),
    lastUserText: prompt,
    images: [],
  };
}

/** The text of one message, its parts joined. */
export function messageText(message: JsonObject): string {
  const content = message["content"];
  if (typeof content === "string") return content;
  return listOf(content)
    .map((part) => textOf(objectOf(part)["text"]) ?? "")
    .join("");
}

function roleOf(message: JsonObject): string {
  const role = textOf(message["role"]) ?? "user";
  return role === "developer" ? "system" : role;
}

function messageImages(message: JsonObject): string[] {
  const bare = listOf(message["images"]).flatMap((image) => textOf(image) ?? []);
  const parts = listOf(message["content"]).flatMap((part) => {
    const image = objectOf(part)["image_url"];
    return textOf(image) ?? textOf(objectOf(image)["url"]) ?? [];
  });
  return [...bare, ...parts];
}

function contextOf(messages: JsonObject[]): string {
  let context = "";
  let speaker = "";
  for (const message of messages) {
    const role = roleOf(message);
    const text = messageText(message).replace(/\s+/g, "");
    context += role === speaker ? text : `\u0001${role}\u0002${text}`;
    speaker = role;
  }
  return `${context}\u0001assistant\u0002`;
}

function promptTokensOf(messages: JsonObject[]): number {
  const tokens = messages.map((message) => countTokens(messageText(message)) + TOKENS_PER_MESSAGE);
  return tokens.reduce((sum, count) => sum + count, TOKENS_TO_OPEN_ANSWER);
}
