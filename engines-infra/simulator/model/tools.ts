import { isObject, listOf, objectOf, textOf } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

/** A tool that can be called. With `text` it takes any text, and no arguments: OpenAI's `custom` tools. */
export type Tool = { name: string; parameters: JsonObject; text?: true };

/** How an engine understands `tool_choice`. */
export type ToolChoice = { mode: "auto" | "required" | "none" } | { mode: "named"; name: string };

/** The tools of an OpenAI-style (and Ollama-style) `tools` list. */
export function readTools(tools: Json | undefined): Tool[] {
  return listOf(tools)
    .filter(isObject)
    .map((tool) => {
      const text = tool["type"] === "custom" && isObject(tool["custom"]);
      const described = objectOf(text ? tool["custom"] : tool["function"]);
      const name = textOf(described["name"]) ?? "";
      return { name, parameters: objectOf(described["parameters"]), ...(text ? { text } : {}) };
    });
}

/** Reads `tool_choice`: a word, or an object that names a tool. */
export function readToolChoice(choice: Json | undefined): ToolChoice {
  if (choice === "required" || choice === "none") return { mode: choice };
  const { function: fn, custom } = objectOf(choice);
  const name = textOf(objectOf(fn ?? custom)["name"]);
  return name === undefined ? { mode: "auto" } : { mode: "named", name };
}

/** More calls than any engine makes at once. */
const CALLS_MAX = 128;

/**
 * The functions that the model calls: none unless the choice forces one or the user's last text holds `[tool]`, or
 * `[tools=n]` for n calls side by side, 128 at most.
 */
export function callsFor(tools: Tool[], choice: ToolChoice, lastUserText: string): Tool[] {
  const first = tools[0];
  if (!first || choice.mode === "none") return [];
  const asked = /\[tools?(?:=(\d+))?\]/.exec(lastUserText);
  if (choice.mode === "named") return [tools.find(({ name }) => name === choice.name) ?? first];
  if (choice.mode === "auto" && !asked) return [];
  const count = Math.min(CALLS_MAX, Number(asked?.[1] ?? 1));
  return Array.from({ length: count }, (_, at) => tools[at % tools.length] ?? first);
}

/** Whether the user's last text asks for reasoning. */
export function asksToThink(lastUserText: string): boolean {
  return lastUserText.includes("[think]");
}
