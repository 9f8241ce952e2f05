import type { ChatMessage, ChatRequest } from "../contracts/chat.ts";
import { isFunctionCall } from "../contracts/chat.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import type { EngineCall } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { unsupported } from "./openai-dialect.ts";

type Json = Record<string, unknown>;

/** Roles that chat templates know under another name. */
const ROLES: Partial<Record<ChatMessage["role"], string>> = { developer: "system", function: "tool" };

/**
 * A conversation in the form that TGI reads without loss. Fails by name for a part that it does not take. Reasoning of
 * former turns and an image's `detail` have no place there and are left out.
 */
export function encodeMessages(call: EngineCall<ChatRequest>): Result<Json[], Failure> {
  const list: Json[] = [];
  for (const [at, message] of call.body.messages.entries()) {
    const content = contentOf(message, at, call.engine);
    if (!content.ok) return content;
    const { name } = message as { name?: unknown };
    list.push({
      role: ROLES[message.role] ?? message.role,
      ...(name !== undefined && { name }),
      ...(message.role === "tool" && { tool_call_id: message.tool_call_id }),
      ...withCalls(content.value, callsOf(message)),
    });
  }
  return ok(list);
}

type Part = { type: "text"; text: string } | { type: "image_url"; image_url: { url: string } };
type Content = string | Part[];

function contentOf(message: ChatMessage, at: number, engine: string): Result<Content, Failure> {
  const refusal = message.role === "assistant" ? message.refusal : undefined;
  if (!Array.isArray(message.content)) return ok([message.content, refusal].filter(Boolean).join("\n"));
  const parts: Part[] = [];
  for (const [n, part] of message.content.entries()) {
    if (part.type === "text") parts.push({ type: "text", text: part.text });
    else if (part.type === "refusal") parts.push({ type: "text", text: part.refusal });
    else if (part.type === "image_url")
      parts.push({ type: "image_url", image_url: { url: part.image_url.url } });
    else
      return unsupported(
        engine,
        `messages[${at}].content[${n}].type`,
        `\`${part.type}\` is not supported by TGI`,
      );
  }
  return ok(refusal ? [...parts, { type: "text", text: refusal }] : parts);
}

/** The calls of an assistant's message, and the `function_call` that they were before, their arguments as JSON. */
function callsOf(message: ChatMessage): Json[] {
  if (message.role !== "assistant") return [];
  const old = asObject(message.function_call);
  const calls = (message.tool_calls ?? []).filter(isFunctionCall);
  return [...(old ? [callOf("0", old)] : []), ...calls.map(({ id, function: called }) => callOf(id, called))];
}

function callOf(id: string, { name, arguments: args }: Json): Json {
  // As a text they would be quoted twice in the prompt.
  return { id, type: "function", function: { name, arguments: parsed(args) } };
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return text;
  }
}

/**
 * Content or calls: where a message has both, even an empty text, TGI forgets the calls. It writes calls into the prompt
 * as the JSON of them, so behind a text they are written in the same way here.
 */
function withCalls(content: Content, calls: readonly Json[]): Json {
  if (calls.length === 0) return { content };
  const text =
    typeof content === "string"
      ? content
      : content.map((part) => (part.type === "text" ? part.text : "")).join("");
  if (text === "") return { tool_calls: calls };
  return { content: `${text}\n${JSON.stringify(calls.map(asPrompted))}` };
}

function asPrompted({ function: called, ...call }: Json): Json {
  const { name, arguments: args } = called as Json;
  return { ...call, function: { description: null, name, arguments: JSON.stringify(args) } };
}
