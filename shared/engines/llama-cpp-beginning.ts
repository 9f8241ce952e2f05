import type { ChatCompletion, ChatRequest } from "../contracts/chat.ts";
import type { EngineCall } from "./engine.ts";
import type { Edits } from "./openai-dialect.ts";

// A closing assistant message is the beginning of llama-server's answer. Builds since 2026 say that beginning again,
// where older ones, and all other engines, say only what comes after it.
// https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-task.cpp (task_result_state)

/** The beginning that the caller gave, if any; empty text is none. */
function beginningOf({ messages }: ChatRequest): string {
  const last = messages.at(-1);
  return last?.role === "assistant" && typeof last.content === "string" ? last.content : "";
}

/** Whether the engine says the beginning again, and the caller did not ask for it. The embedded engine never does. */
export const opensAgain = ({ body, model }: EngineCall<ChatRequest>): boolean =>
  body.echo !== true && model.ownedBy !== "eco-base" && beginningOf(body) !== "";

/** Has a stream begin behind the beginning: `echo` is obeyed in streams, and only where the continuation is said. */
export function withBeginning(call: EngineCall<ChatRequest>): Edits {
  const { body } = call;
  if (!body.stream || !opensAgain(call) || body.continue_final_message === false) return {};
  // `content` and `reasoning` are kept, by which a caller says what of the message goes on.
  const continued = body.continue_final_message ?? true;
  return { set: { continue_final_message: continued, add_generation_prompt: false, echo: false } };
}

/** A whole answer without the beginning, where it has it. */
export function unsaid(answer: ChatCompletion, body: ChatRequest): ChatCompletion {
  const beginning = beginningOf(body);
  const choices = answer.choices.map((choice) => {
    const { content } = choice.message;
    return content?.startsWith(beginning)
      ? { ...choice, message: { ...choice.message, content: content.slice(beginning.length) } }
      : choice;
  });
  return { ...answer, choices };
}
