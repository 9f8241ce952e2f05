import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import type { Result } from "../kernel/result.ts";
import type { EngineCall, EngineRequest, Written } from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";

const LIMITS = ["max_completion_tokens", "max_tokens"] as const;

/** The request's limits, without the tokens that are written already. At 0 most engines refuse, or take it for none. */
function lowered(body: ChatRequest | CompletionRequest, { tokens }: Written): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name of LIMITS) {
    const limit = body[name];
    if (typeof limit === "number") limits[name] = Math.max(1, limit - tokens);
  }
  return limits;
}

/**
 * The call with the text that was written as the beginning of the assistant's answer. Where the caller gave a beginning
 * of its own, and the engine goes on with it (`merges`), the text goes behind that.
 */
export function continuedChat(
  call: EngineCall<ChatRequest>,
  written: Written,
  { merges, extra }: { readonly merges: boolean; readonly extra?: Readonly<Record<string, unknown>> },
): EngineCall<ChatRequest> {
  const { messages } = call.body;
  const last = messages.at(-1);
  const begun = merges && last?.role === "assistant" && typeof last.content === "string" ? last : undefined;
  const answer = { ...begun, role: "assistant" as const, content: `${begun?.content ?? ""}${written.text}` };
  const body: ChatRequest = {
    ...call.body,
    ...lowered(call.body, written),
    ...extra,
    messages: [...(begun ? messages.slice(0, -1) : messages), answer],
  };
  return { ...call, body, text: JSON.stringify(body) };
}

/** Likewise for a legacy completion, whose prompt goes on with the text; token ids cannot. */
export function continuedCompletion(
  call: EngineCall<CompletionRequest>,
  written: Written,
  encode: (call: EngineCall<CompletionRequest>) => Result<EngineRequest, Failure>,
): Result<EngineRequest, Failure> {
  const { prompt } = call.body;
  const only = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof only !== "string" || call.body.echo || call.body.suffix)
    return unsupported(call.engine, "prompt", "cannot be continued on another engine");
  // OpenAI's own limit where none is given: without it, what is left to write would be unknown.
  const limit = { max_tokens: call.body.max_tokens ?? 16 };
  const body: CompletionRequest = {
    ...call.body,
    ...lowered({ ...call.body, ...limit }, written),
    prompt: only + written.text,
  };
  return encode({ ...call, body, text: JSON.stringify(body) });
}
