import type { ChatRequest } from "../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../shared/contracts/completions.ts";
import type { EngineAdapter, EngineModel } from "../../shared/engines/engine.ts";

/** Fields that a chat and a completion share; `question` is what is asked. */
export type TextFields = Readonly<Record<string, unknown>> & { readonly question?: string };

/** Makes the requests of one lab: the same text each time, and not much of it. */
export type Bodies = {
  chat(fields?: Partial<ChatRequest>): ChatRequest;
  completion(fields?: Partial<CompletionRequest>): CompletionRequest;
  /** A chat, or a completion where the engine has no chats. */
  text(fields?: TextFields): ChatRequest | CompletionRequest;
};

export const QUESTION = "Tell me a short story about a river.";
export const PROMPT = "Once upon a time";
const TOKENS_MAX = 48;

/** `model` is the one that is asked for. */
export function createBodies({ abilities }: EngineAdapter, model: EngineModel): Bodies {
  const steady = {
    model: model.names[0] ?? "",
    temperature: 0,
    max_tokens: TOKENS_MAX,
    ...(abilities.seed !== "refused" && { seed: 7 }),
  };
  const chat: Bodies["chat"] = (fields) => ({
    ...steady,
    messages: [{ role: "user", content: QUESTION }],
    ...fields,
  });
  const completion: Bodies["completion"] = (fields) => ({ ...steady, prompt: PROMPT, ...fields });
  return {
    chat,
    completion,
    text: ({ question, ...fields } = {}) =>
      abilities.chat === "refused"
        ? completion({ ...fields, ...(question !== undefined && { prompt: question }) })
        : chat({
            ...fields,
            ...(question !== undefined && { messages: [{ role: "user", content: question }] }),
          }),
  };
}
