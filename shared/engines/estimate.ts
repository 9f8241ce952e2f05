import type { ChatMessage } from "../contracts/chat.ts";
import type { Prompt } from "../contracts/completions.ts";

// Used only where an engine tells no usage; every number made here is marked `estimated` where it is shown.

/** English is about four characters a token; other scripts take about one token per one or two characters. */
export function estimateTextTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x2ff) wide += 1;
  return Math.ceil((text.length - wide) / 4 + wide / 1.5);
}

/** Tokens of a conversation: its texts and about four for each message's frame. */
export function estimateChatTokens(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => {
    const content = message.content ?? "";
    const text =
      typeof content === "string"
        ? content
        : content.map((part) => (part.type === "text" ? part.text : "")).join("");
    return sum + estimateTextTokens(text) + 4;
  }, 3);
}

/** Tokens of a prompt or of inputs to embed: exact for token ids, estimated for texts; of no prompt, none. */
export function estimatePromptTokens(prompt: Prompt | null): number {
  if (prompt === null) return 0;
  if (typeof prompt === "string") return estimateTextTokens(prompt);
  return prompt.reduce<number>(
    (sum, each) =>
      sum +
      (typeof each === "string" ? estimateTextTokens(each) : typeof each === "number" ? 1 : each.length),
    0,
  );
}
