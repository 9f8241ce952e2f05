import { type ChatMessage, type ChatRequest, isFunctionCall } from "../contracts/chat.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall } from "./engine.ts";
import { asObject, objectIn } from "../kernel/json.ts";
import { unsupported } from "./openai-dialect.ts";

type Json = Record<string, unknown>;

/** Roles that have another name there. */
const ROLES: Partial<Record<ChatMessage["role"], string>> = { developer: "system", function: "tool" };

/**
 * A conversation in Ollama's form: tool arguments as objects, images beside the text, results by the tool's name.
 * Fails by name for a part that Ollama does not take and for tool arguments that are no JSON object. Two hints have no
 * place there and change nothing that is said, so they are left out: a speaker's `name` and an image's `detail`.
 */
export function encodeMessages(call: EngineCall<ChatRequest>): Result<Json[], Failure> {
  const toolNames = new Map<string, string>();
  const list: Json[] = [];
  for (const [at, message] of call.body.messages.entries()) {
    const read = content(message, at, call.engine);
    if (!read.ok) return read;
    const out: Json = { role: ROLES[message.role] ?? message.role, ...read.value };
    if (message.role === "assistant") {
      if (message.audio)
        return unsupported(call.engine, `messages[${at}].audio`, "is not supported by Ollama");
      if (message.reasoning_content) out.thinking = message.reasoning_content;
      const calls = callsOf(message, at);
      if (!calls.ok) return calls;
      if (calls.value.length > 0) out.tool_calls = calls.value;
      for (const each of (message.tool_calls ?? []).filter(isFunctionCall))
        toolNames.set(each.id, each.function.name);
    }
    if (message.role === "tool") {
      out.tool_call_id = message.tool_call_id;
      out.tool_name = toolNames.get(message.tool_call_id);
    }
    if (message.role === "function") out.tool_name = message.name;
    list.push(out);
  }
  return ok(list);
}

/** The text parts of a message joined, a refusal among them, its images as Ollama takes them. */
function content(
  message: ChatMessage,
  at: number,
  engine: string,
): Result<{ content: string; images?: string[] }, Failure> {
  const refusal = message.role === "assistant" ? message.refusal : undefined;
  if (!Array.isArray(message.content))
    return ok({ content: [message.content, refusal].filter(Boolean).join("\n") });
  const texts: string[] = [];
  const images: string[] = [];
  for (const [n, part] of message.content.entries()) {
    const param = `messages[${at}].content[${n}]`;
    if (part.type === "text") texts.push(part.text);
    else if (part.type === "refusal") texts.push(part.refusal);
    else if (part.type === "image_url") {
      const data = /^data:[^,]*;base64,(.+)$/s.exec(part.image_url.url)?.[1];
      // The engine would have to fetch it, and so would we: no caller chooses a host.
      if (data === undefined)
        return unsupported(
          engine,
          `${param}.image_url.url`,
          "must be a `data:` URL with base64; Ollama fetches no images",
        );
      images.push(data);
    } else return unsupported(engine, `${param}.type`, `\`${part.type}\` is not supported by Ollama`);
  }
  if (refusal) texts.push(refusal);
  return ok({ content: texts.join("\n"), ...(images.length > 0 && { images }) });
}

/**
 * The calls of an assistant's message: its tool calls, and the `function_call` that they were before. Those of custom
 * tools have been refused before.
 */
function callsOf(message: Extract<ChatMessage, { role: "assistant" }>, at: number): Result<Json[], Failure> {
  const list: Json[] = [];
  const old = asObject(message.function_call);
  const calls = [
    ...(old ? [{ id: undefined, called: old, path: `messages[${at}].function_call` }] : []),
    ...(message.tool_calls ?? []).filter(isFunctionCall).map(({ id, function: called }, n) => ({
      id,
      called,
      path: `messages[${at}].tool_calls[${n}].function`,
    })),
  ];
  for (const { id, called, path } of calls) {
    const args = parseArguments(called.arguments);
    if (!args) {
      const param = `${path}.arguments`;
      return err({
        kind: "invalid_request",
        param,
        message: `\`${param}\` must be a JSON object, as text.`,
      });
    }
    list.push({ id, function: { name: called.name, arguments: args } });
  }
  return ok(list);
}

function parseArguments(text: unknown): Json | undefined {
  if (typeof text !== "string") return undefined;
  return text.trim() === "" ? {} : objectIn(text);
}
