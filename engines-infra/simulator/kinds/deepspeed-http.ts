import type { Json, JsonObject } from "../model/json.ts";
import { text } from "./reply.ts";
import type { Reply, Whole } from "./reply.ts";

/** A JSON body as FastAPI writes it. */
export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

/** Whatever breaks inside, on both FastAPI servers. */
export function broken(): Whole {
  return text(500, "text/plain; charset=utf-8", "Internal Server Error");
}

/** The error of both FastAPI servers for a status that no check of theirs gives. */
export function plain(status: number): Whole {
  return DETAILS[status] === undefined ? broken() : json(status, { detail: DETAILS[status] });
}

const DETAILS: Record<number, string> = {
  400: "There was an error parsing the body",
  404: "Not Found",
  405: "Method Not Allowed",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** One thing that pydantic finds wrong with a body. */
export type Flaw = { type: string; loc: (string | number)[]; msg: string; input: Json };

/** A body that is not JSON. */
export const NOT_JSON: Flaw & { ctx: JsonObject } = {
  type: "json_invalid",
  loc: ["body", 0],
  msg: "JSON decode error",
  input: {},
  ctx: { error: "Expecting value" },
};

type Check = { type: string; msg: string; ok: (value: Json) => boolean };

const TEXT: Check = {
  type: "string_type",
  msg: "Input should be a valid string",
  ok: (value) => typeof value === "string",
};
const NUMBER: Check = {
  type: "float_type",
  msg: "Input should be a valid number",
  ok: (value) => value === null || typeof value === "number",
};
const INTEGER: Check = {
  type: "int_type",
  msg: "Input should be a valid integer",
  ok: (value) => value === null || Number.isInteger(value),
};
const BOOLEAN: Check = {
  type: "bool_type",
  msg: "Input should be a valid boolean",
  ok: (value) => value === null || typeof value === "boolean",
};

const FIELDS: Record<string, Check> = {
  temperature: NUMBER,
  top_p: NUMBER,
  top_k: INTEGER,
  n: INTEGER,
  min_tokens: INTEGER,
  max_tokens: INTEGER,
  max_length: INTEGER,
  stream: BOOLEAN,
};

/** What pydantic finds wrong with the fields that chats and completions share. */
export function flawsOf(body: JsonObject): Flaw[] {
  return Object.entries(FIELDS).flatMap(([name, { type, msg, ok }]) => {
    const input = body[name];
    return input === undefined || ok(input) ? [] : [{ type, loc: ["body", name], msg, input }];
  });
}

/** A required field that is not there. */
export function missing(name: string, input: JsonObject): Flaw {
  return { type: "missing", loc: ["body", name], msg: "Field required", input };
}

/** What pydantic finds wrong with `messages`: a text, or a list of maps from text to text. */
export function messageFlaws(body: JsonObject): Flaw[] {
  const { messages } = body;
  if (messages === undefined) return [missing("messages", body)];
  if (typeof messages === "string") return [];
  const asText: Flaw = {
    type: TEXT.type,
    loc: ["body", "messages", "str"],
    msg: TEXT.msg,
    input: messages,
  };
  const place = ["body", "messages", "list[dict[str,str]]"];
  if (!Array.isArray(messages)) {
    const msg = "Input should be a valid list";
    return [asText, { type: "list_type", loc: place, msg, input: messages }];
  }
  const flaws = messages.flatMap((message, at): Flaw[] => {
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      const msg = "Input should be a valid dictionary";
      return [{ type: "dict_type", loc: [...place, at], msg, input: message }];
    }
    return Object.entries(message).flatMap(([name, input]) =>
      TEXT.ok(input) ? [] : [{ type: TEXT.type, loc: [...place, at, name], msg: TEXT.msg, input }],
    );
  });
  return flaws.length > 0 ? [asText, ...flaws] : [];
}

/** A value as Python prints it, which is how the OpenAI-style server tells of flaws. */
export function repr(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value) ?? "None";
  const members = Object.entries(value).map(([name, each]) => {
    // Places are tuples; all else that has an order came as a list of JSON's.
    const text = name === "loc" && Array.isArray(each) ? `(${each.map(repr).join(", ")})` : repr(each);
    return `${repr(name)}: ${text}`;
  });
  return `{${members.join(", ")}}`;
}

/** Queues have no bound, and streams send their headers before anybody has looked at the request. */
export const SILENCE: Reply = {
  type: "silence",
  headers: { "content-type": "text/event-stream; charset=utf-8" },
};

/** JSON with everything beyond ASCII escaped, unit by unit, as Python does unless told otherwise. */
export function ascii(json: string): string {
  return json.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
