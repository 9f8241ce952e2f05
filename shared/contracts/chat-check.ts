import type { ChatRequest } from "./chat.ts";

const ROLES = new Set(["system", "developer", "user", "assistant", "tool", "function"]);

/** The members of a chat request that most requests have, and what each must be for a request to be right at a glance. */
const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  model: (value) => typeof value === "string" && value !== "",
  messages: (value) => Array.isArray(value) && value.length > 0 && value.every(isPlainMessage),
  stream: (value) => typeof value === "boolean",
  stream_options: (value) =>
    typeof value === "object" && value !== null && hasOnly(value, "include_usage", "boolean"),
  temperature: (value) => isWithin(value, 0, 2),
  top_p: (value) => isWithin(value, 0, 1),
  presence_penalty: (value) => isWithin(value, -2, 2),
  frequency_penalty: (value) => isWithin(value, -2, 2),
  max_tokens: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  max_completion_tokens: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  n: (value) => value === 1,
  seed: (value) => Number.isSafeInteger(value),
  stop: (value) => typeof value === "string",
  user: (value) => typeof value === "string",
};

const isWithin = (value: unknown, min: number, max: number): boolean =>
  typeof value === "number" && value >= min && value <= max;

function hasOnly(value: object, name: string, type: string): boolean {
  const names = Object.keys(value);
  return names.length === 1 && names[0] === name && typeof (value as Record<string, unknown>)[name] === type;
}

/** A message of role and text only. */
function isPlainMessage(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const message = value as Record<string, unknown>;
  if (typeof message.content !== "string" || !ROLES.has(message.role as string)) return false;
  if (message.role === "tool" || message.role === "function") return false;
  for (const name in message) if (name !== "role" && name !== "content") return false;
  return true;
}

/**
 * Whether a request is right at a glance. True means that the contract accepts it (a test holds the two together);
 * false means only that the contract must be asked. On the way to the engine this costs a tenth of the full schema.
 */
export function isPlainChatRequest(value: unknown): value is ChatRequest {
  if (typeof value !== "object" || value === null || !("model" in value) || !("messages" in value))
    return false;
  const body = value as Record<string, unknown>;
  for (const name in body) {
    // Own members only: a caller may name a field `constructor`, or `__proto__`, which every object inherits.
    const check = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
    if (!check || !check(body[name])) return false;
  }
  return !("stream_options" in body) || body.stream === true;
}
