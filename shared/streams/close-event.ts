import type { ApiError } from "../contracts/error.ts";
import { sseEvent } from "./sse.ts";

/**
 * What to write to a client whose stream broke off, so that it is told the truth: `sent` is the text of the event that
 * had begun when the engine was lost (empty between two events). A half-sent event cannot be taken back, but half a
 * JSON object can be completed to one that carries `error`, which makes every OpenAI client throw.
 */
export function closeBrokenStream(sent: string, error: ApiError): string {
  const event = sseEvent(JSON.stringify(error));
  if (sent === "") return event;
  const line = sent.slice(sent.lastIndexOf("\n") + 1);
  if (line === "data") return `: ${JSON.stringify(error)}\n\n`;
  // Between lines, in a comment or in half a field name: an end of line makes it harmless.
  if (!line.startsWith("data:")) return `\n\n${event}`;
  const data = line.slice(5).trimStart();
  if (data === "") return `${JSON.stringify(error)}\n\n`;
  const rest = completeObject(data, `"error":${JSON.stringify(error.error)}`);
  // Data that is no object (half a `[DONE]`): end it, and say what happened in an event of its own.
  return rest === undefined ? `\n\n${event}` : `${rest}\n\n`;
}

/**
 * The text that completes `json`, the beginning of an object, to a valid object which has `member` as its last member.
 * Undefined when `json` does not begin an object.
 */
export function completeObject(json: string, member: string): string | undefined {
  if (!json.startsWith("{")) return undefined;
  const open: ("{" | "[")[] = [];
  // Where we are within the innermost object or array.
  let expects: "key" | "colon" | "value" | "comma" = "value";
  let closed = false;
  let at = 0;
  let rest = "";
  while (at < json.length && !closed) {
    const char = json.charAt(at);
    if (char === '"') {
      const string = scanString(json, at);
      at = string.end;
      if (string.missing !== undefined) rest += string.missing;
      expects = expects === "key" ? "colon" : "comma";
    } else if (char === "{" || char === "[") {
      open.push(char);
      expects = char === "{" ? "key" : "value";
      at += 1;
    } else if (char === "}" || char === "]") {
      open.pop();
      closed = open.length === 0;
      expects = "comma";
      at += 1;
    } else if (char === ":") {
      expects = "value";
      at += 1;
    } else if (char === ",") {
      expects = open.at(-1) === "{" ? "key" : "value";
      at += 1;
    } else if (/\s/.test(char)) {
      at += 1;
    } else {
      const literal = /^[^\s,\]}]+/.exec(json.slice(at))?.[0] ?? char;
      at += literal.length;
      if (at >= json.length) rest += completeLiteral(literal);
      expects = "comma";
    }
  }
  // The object is whole; only its line end was lost. The error goes into an event of its own.
  if (closed) return `\n\ndata: {${member}}`;
  for (;;) {
    const inner = open.at(-1);
    const last = open.length === 1;
    const previous = json.trimEnd().at(-1);
    if (inner === "{") {
      if (expects === "colon") rest += ":null";
      else if (expects === "value") rest += "null";
      const fresh = expects === "key";
      if (last) return `${rest}${fresh ? "" : ","}${member}}`;
      // After a comma a member must follow.
      rest += fresh && rest === "" && previous === "," ? '"":null}' : "}";
    } else {
      rest += expects === "value" && rest === "" && previous === "," ? "null]" : "]";
    }
    open.pop();
    expects = "comma";
  }
}

/** Reads a string that starts at `from`; `missing` is what ends it where the text ends first. */
function scanString(json: string, from: number): { end: number; missing?: string } {
  let at = from + 1;
  while (at < json.length) {
    const char = json.charAt(at);
    if (char === '"') return { end: at + 1 };
    if (char !== "\\") at += 1;
    else if (at + 1 >= json.length) return { end: json.length, missing: '\\"' };
    else if (json.charAt(at + 1) !== "u") at += 2;
    else if (at + 6 <= json.length) at += 6;
    else return { end: json.length, missing: `${"0".repeat(at + 6 - json.length)}"` };
  }
  return { end: json.length, missing: '"' };
}

/** What is missing of a number or of true, false, null. */
function completeLiteral(literal: string): string {
  for (const word of ["true", "false", "null"])
    if (word.startsWith(literal)) return word.slice(literal.length);
  return /[0-9]$/.test(literal) ? "" : "0";
}
