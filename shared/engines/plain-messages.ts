import type { ChatMessage, ChatRequest } from "../contracts/chat.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import type { EngineCall } from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";

/** A message of nothing but role and text: all that the simplest servers take. */
export type PlainMessage = { readonly role: "system" | "user" | "assistant"; readonly content: string };

/** What of a message is more than text, by its field; undefined where there is nothing. */
function beyondText(message: ChatMessage): string | undefined {
  if (message.role === "tool" || message.role === "function") return "role";
  if (message.role !== "assistant") return undefined;
  return ["tool_calls", "function_call", "audio"].find((name) => message[name] != null);
}

/**
 * A conversation as plain messages: parts of text joined, a refusal among them, `developer` under its older name. Fails
 * by name for images, sound, files and the calls of tools. Two things change nothing that is said and are left out: a
 * speaker's `name`, and the reasoning before an earlier answer.
 */
export function plainMessages(call: EngineCall<ChatRequest>): Result<PlainMessage[], Failure> {
  const list: PlainMessage[] = [];
  for (const [at, message] of call.body.messages.entries()) {
    const field = beyondText(message);
    if (field !== undefined)
      return unsupported(
        call.engine,
        `messages[${at}].${field}`,
        "is not supported: the engine knows no tools",
      );
    const texts = textsOf(message, at, call.engine);
    if (!texts.ok) return texts;
    const role = message.role === "user" || message.role === "assistant" ? message.role : "system";
    list.push({ role, content: texts.value.join("\n") });
  }
  return ok(list);
}

function textsOf(message: ChatMessage, at: number, engine: string): Result<string[], Failure> {
  const refusal = message.role === "assistant" && message.refusal ? [message.refusal] : [];
  if (!Array.isArray(message.content)) return ok([message.content ?? "", ...refusal].filter(Boolean));
  const texts: string[] = [];
  for (const [n, part] of message.content.entries()) {
    if (part.type === "text") texts.push(part.text);
    else if (part.type === "refusal") texts.push(part.refusal);
    else
      return unsupported(
        engine,
        `messages[${at}].content[${n}].type`,
        `\`${part.type}\` is not supported: the engine takes text only`,
      );
  }
  return ok([...texts, ...refusal]);
}
