/** A request's messages, checked and put into the plain form that chat templates take. */
import { Fields, isObject, refuse } from "./fields.ts";
import type { ToolUse } from "./tools.ts";
import { callText, toolInstructions } from "./tools.ts";

export type Message = { role: "system" | "user" | "assistant" | "tool"; content: string };

/** `prefill`: the text of a trailing assistant message, which the model continues. */
export type Conversation = { messages: Message[]; prefill: string };

export function readConversation(fields: Fields): Conversation {
  const list = fields.list("messages") ?? refuse("'messages' is required");
  if (list.length === 0) refuse("'messages' must not be empty");
  const messages = list.map((entry, index) => readMessage(new Fields(entry, `messages[${index}]`)));
  const last = messages.at(-1);
  const continues = last?.role === "assistant" && !hasCalls(list.at(-1));
  return continues ? { messages: messages.slice(0, -1), prefill: last.content } : { messages, prefill: "" };
}

const hasCalls = (entry: unknown): boolean =>
  isObject(entry) && Array.isArray(entry["tool_calls"]) && entry["tool_calls"].length > 0;

function readMessage(message: Fields): Message {
  const role = message.choice("role", ["system", "developer", "user", "assistant", "tool"]);
  if (!role) return refuse(`'${message.name("role")}' is required`);
  const calls = role === "assistant" ? readCalls(message) : [];
  const content = readContent(message, calls.length > 0);
  return {
    role: role === "developer" ? "system" : role,
    content: [content, ...calls].filter((part) => part !== "").join("\n"),
  };
}

/** A string, or parts of text, which are joined by line breaks as llama.cpp does. */
function readContent(message: Fields, mayBeMissing: boolean): string {
  const content = message.raw("content");
  if (typeof content === "string") return content;
  if (content === undefined) return mayBeMissing ? "" : refuse(`'${message.name("content")}' is required`);
  const parts = message.list("content") ?? [];
  return parts
    .map((entry, index) => readPart(new Fields(entry, message.name(`content[${index}]`))))
    .join("\n");
}

function readPart(part: Fields): string {
  const type = part.requiredText("type");
  if (type === "text" || type === "input_text") return part.requiredText("text");
  if (type.includes("image"))
    return refuse("image input is not supported - hint: the embedded model reads text only");
  if (type.includes("audio"))
    return refuse("audio input is not supported - hint: the embedded model reads text only");
  return refuse(`'${part.name("type")}' is '${type}', only 'text' is supported`);
}

function readCalls(message: Fields): string[] {
  const calls = message.list("tool_calls") ?? [];
  return calls.map((entry, index) => {
    const call = new Fields(entry, message.name(`tool_calls[${index}]`));
    const definition = call.object("function") ?? refuse(`'${call.name("function")}' is required`);
    return callText(definition.requiredText("name"), definition.text("arguments") ?? "{}");
  });
}

/** Begins the conversation with `text` where it has no system message of its own. */
export function withSystemMessage(
  messages: readonly Message[],
  text: string | undefined,
): readonly Message[] {
  return text === undefined || messages[0]?.role === "system"
    ? messages
    : [{ role: "system", content: text }, ...messages];
}

/** Puts the tools into the system message, for templates that have no place of their own for them. */
export function withToolInstructions(messages: readonly Message[], use: ToolUse): Message[] {
  const instructions = toolInstructions(use);
  const [first, ...rest] = messages;
  if (first?.role === "system") {
    return [{ role: "system", content: `${first.content}\n\n${instructions}` }, ...rest];
  }
  return [{ role: "system", content: instructions }, ...messages];
}
