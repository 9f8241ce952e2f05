import { isObject } from "../model/json.ts";

/** JSON as Python's `json.dumps` writes it by default: a space behind each comma and colon, and nothing beyond ASCII. */
export function pythonJson(value: unknown): string {
  return spaced(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same with `ensure_ascii=False`. */
export function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}: ${spaced(each)}`).join(", ")}}`;
}

/** One server-sent event of such JSON. */
export const pythonSse = (json: unknown): string => `data: ${pythonJson(json)}\n\n`;
