import { mergeDirectives, takeDirectives } from "./directives.ts";
import { answer } from "./model/answer.ts";
import { readConversation } from "./model/conversation.ts";
import { numberOf, objectOf } from "./model/json.ts";
import type { Json } from "./model/json.ts";

/** What a chat request will get, told without a server. */
export type Prediction = {
  text: string;
  tokens: string[];
  finish: string;
  promptTokens: number;
  completionTokens: number;
};

/**
 * The text, finish and usage that every kind gives to an OpenAI-style chat body (`messages`, `seed`, `max_tokens` or
 * `max_completion_tokens`, `stop`): what a gateway in between has to hand on unchanged.
 */
export function predictChat(request: unknown, weights?: string): Prediction {
  const { body, blocks } = takeDirectives(request as Json);
  const fields = objectOf(body);
  const merged = mergeDirectives(blocks, { names: [], spent: new Set() });
  const conversation = readConversation(fields["messages"]);
  const stop = fields["stop"];
  const said = answer({
    conversation,
    weights,
    seed: numberOf(fields["seed"]),
    tokens: merged.ok ? merged.directives.tokens : undefined,
    tokensMax: numberOf(fields["max_completion_tokens"]) ?? numberOf(fields["max_tokens"]),
    stop: typeof stop === "string" ? [stop] : Array.isArray(stop) ? stop.map(String) : [],
  });
  return {
    text: said.content.join(""),
    tokens: said.content,
    finish: said.finish,
    promptTokens: conversation.promptTokens,
    completionTokens: said.tokens,
  };
}
