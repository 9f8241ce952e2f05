/**
 * Function tools for a model that may never have seen one: the tools are described in the system prompt, and a call
 * is a JSON object that a grammar holds the model to, so its arguments are valid against the tool's schema.
 * The text form is the one that Hermes, Qwen and SmolLM models were trained on: `<tool_call>{"name", "arguments"}</tool_call>`.
 */
import type { Result } from "./failure.ts";
import { Fields, isObject, reading, refuse } from "./fields.ts";
import { SchemaRules, grammarText, literal } from "./json-grammar.ts";

export const TOOL_CALL_START = "<tool_call>";
export const TOOL_CALL_END = "</tool_call>";

export type Tool = { name: string; description: string; parameters: unknown };

/** `auto`: the model decides. `none`: it gets no tools. `required`: it must call one of `tools`. */
export type ToolUse = { mode: "auto" | "none" | "required"; tools: readonly Tool[] };

const NO_PARAMETERS = { type: "object", properties: {}, additionalProperties: false };

export function readToolUse(fields: Fields): ToolUse {
  const list = fields.list("tools") ?? [];
  const tools = list.map((entry, index) => readTool(new Fields(entry, `tools[${index}]`)));
  const choice = fields.raw("tool_choice");
  if (isObject(choice)) {
    const name = new Fields(choice, "tool_choice").object("function")?.requiredText("name");
    const named = tools.find((tool) => tool.name === name);
    if (!named) refuse(`'tool_choice' names '${name ?? ""}', which is not among 'tools'`);
    return { mode: "required", tools: named ? [named] : [] };
  }
  const mode = fields.choice("tool_choice", ["auto", "none", "required"]);
  if (mode === "required" && tools.length === 0)
    refuse("'tool_choice' is 'required', but there are no 'tools'");
  return { mode: tools.length === 0 ? "none" : (mode ?? "auto"), tools };
}

function readTool(entry: Fields): Tool {
  if (entry.requiredText("type") !== "function") refuse(`'${entry.name("type")}' must be 'function'`);
  const definition = entry.object("function") ?? refuse(`'${entry.name("function")}' is required`);
  const name = definition.requiredText("name");
  if (!/^[\w.-]{1,64}$/.test(name))
    refuse(`'${definition.name("name")}' must be 1 to 64 letters, digits, '_', '-' or '.'`);
  return {
    name,
    description: definition.text("description") ?? "",
    parameters: definition.raw("parameters") ?? NO_PARAMETERS,
  };
}

/** GBNF of one call of one of the tools, written exactly as `ToolCallReader` reads it. */
export function toolCallGrammar(tools: readonly Tool[]): Result<string> {
  return reading(() => {
    const rules: Record<string, string> = { root: tools.map((_, index) => `call-${index}`).join(" | ") };
    for (const [index, tool] of tools.entries()) {
      const schema = new SchemaRules(
        tool.parameters,
        `tools[${index}].function.parameters`,
        rules,
        `call-${index}`,
      );
      rules[`call-${index}`] = `${literal(callPrefix(tool.name))} ${schema.expression()} "}"`;
    }
    return grammarText(rules);
  });
}

const callPrefix = (name: string): string => `{"name": ${JSON.stringify(name)}, "arguments": `;

/** The text of a call, as a model sees its own earlier calls. */
export const callText = (name: string, argumentsJson: string): string =>
  `${TOOL_CALL_START}\n${callPrefix(name)}${argumentsJson}}\n${TOOL_CALL_END}`;

/** What a model without tools in its template is told about them. */
export function toolInstructions({ mode, tools }: ToolUse): string {
  const signatures = tools.map(({ name, description, parameters }) =>
    JSON.stringify({ type: "function", function: { name, description, parameters } }),
  );
  const when =
    mode === "required" ? "Answer by calling a function." : "You may call a function to answer the user.";
  return [
    `${when} These are the functions:`,
    "<tools>",
    ...signatures,
    "</tools>",
    `To call one, write a JSON object with its name and arguments within ${TOOL_CALL_START}${TOOL_CALL_END} tags:`,
    TOOL_CALL_START,
    '{"name": <function-name>, "arguments": <arguments-object>}',
    TOOL_CALL_END,
  ].join("\n");
}

export type ToolCallPiece = { name?: string; arguments: string };

/** Splits the growing text of a call into its name, once, and the pieces of its arguments. */
export class ToolCallReader {
  #text = "";
  #argumentsFrom: number | undefined;
  #sent = 0;

  push(piece: string): ToolCallPiece | undefined {
    this.#text += piece;
    let name: string | undefined;
    if (this.#argumentsFrom === undefined) {
      const prefix = /^\{"name": ("(?:[^"\\]|\\.)*"), "arguments": /.exec(this.#text);
      if (!prefix) return undefined;
      this.#argumentsFrom = prefix[0].length;
      this.#sent = this.#argumentsFrom;
      name = String(JSON.parse(prefix[1] ?? '""'));
    }
    // The last brace closes the call and not the arguments; it is known to be the last one only when nothing follows.
    const end = this.#text.endsWith("}") ? this.#text.length - 1 : this.#text.length;
    const pieceOfArguments = this.#text.slice(this.#sent, Math.max(this.#sent, end));
    this.#sent = Math.max(this.#sent, end);
    return name !== undefined || pieceOfArguments ? { name, arguments: pieceOfArguments } : undefined;
  }
}
