import type { ChatCompletion, ChatMessage, ChatRequest } from "../contracts/chat.ts";
import type { EmbeddingRequest } from "../contracts/embeddings.ts";
import { EmbedRequest, GenerateRequest, type Generation } from "../contracts/generate.ts";
import { invalidRequest } from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";

const refuse = (param: string, message: string) =>
  err({ kind: "invalid_request", param, message: `\`${param}\`: ${message}.` } as const);

/** What a short request asks for, as a chat request. */
export function chatRequestOf(json: unknown): Result<ChatRequest, Failure> {
  const parsed = GenerateRequest.safeParse(json);
  if (!parsed.success) return err(invalidRequest(parsed.error));
  const { prompt, messages, system, ...rest } = parsed.data;
  if (prompt !== undefined && messages !== undefined)
    return refuse("messages", "is not allowed beside `prompt`: send one of the two");
  if (prompt === undefined && messages === undefined)
    return refuse("prompt", "is missing, or else `messages`");
  if (system !== undefined && messages?.some(({ role }) => role === "system" || role === "developer"))
    return refuse("system", "is not allowed beside `messages` that have a system message of their own");
  const told: ChatMessage[] = messages ?? [{ role: "user", content: prompt ?? "" }];
  const all: ChatMessage[] = system === undefined ? told : [{ role: "system", content: system }, ...told];
  return ok({ ...rest, messages: all });
}

/** What a short request asks for, as an embedding request. */
export function embeddingRequestOf(json: unknown): Result<EmbeddingRequest, Failure> {
  const parsed = EmbedRequest.safeParse(json);
  if (!parsed.success) return err(invalidRequest(parsed.error));
  const { text, texts, model } = parsed.data;
  if (text !== undefined && texts !== undefined)
    return refuse("texts", "is not allowed beside `text`: send one of the two");
  const input = texts ?? text;
  return input === undefined ? refuse("text", "is missing, or else `texts`") : ok({ model, input });
}

/** How a short answer came about, beside what the model said. */
export type GenerationFrame = Pick<Generation, "id" | "latency_ms"> & { readonly engine: string | undefined };

/** A chat's answer in the short form. It has one choice, for a short request cannot ask for more. */
export function generationOf(
  answer: ChatCompletion,
  { id, latency_ms, engine }: GenerationFrame,
): Generation {
  const [choice] = answer.choices;
  const { content = null, refusal = null, reasoning_content } = choice?.message ?? {};
  return {
    object: "generation",
    id,
    text: content ?? refusal ?? "",
    ...(reasoning_content !== undefined && { reasoning: reasoning_content }),
    model: answer.model,
    ...(engine !== undefined && { engine }),
    finish_reason: choice?.finish_reason ?? "stop",
    usage: answer.usage,
    latency_ms,
    created: answer.created,
  };
}
