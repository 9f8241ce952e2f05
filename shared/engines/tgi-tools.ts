import { type ChatRequest, isFunctionTool } from "../contracts/chat.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import type { EngineCall } from "./engine.ts";
import { inlineRefs } from "./inline-refs.ts";
import { asObject } from "../kernel/json.ts";
import { allowedTools, unsupported } from "./openai-dialect.ts";

type Json = Record<string, unknown>;

/** The function that TGI adds for `auto`: a call of it means that there is none. */
const NO_TOOL = "no_tool";

/**
 * The tools as TGI takes them, and nothing where none may be called: with an empty list it would generate twice. Of a
 * schema only properties and required ones reach its grammar, so definitions are put where they are referred to.
 */
export function encodeTools(call: EngineCall<ChatRequest>): Result<Json, Failure> {
  const { engine } = call;
  const allowed = allowedTools(call.body);
  if (!allowed) return unsupported(engine, "tool_choice", "names a tool that is not among `tools`");
  const { tools, tool_choice: choice }: ChatRequest = { ...call.body, ...allowed.set };
  const functions = (tools ?? []).filter(isFunctionTool).map((tool) => tool.function);
  if (functions.length === 0 || choice === "none") return ok({});
  if (functions.some(({ name }) => name === NO_TOOL))
    return unsupported(engine, "tools", `cannot have one named \`${NO_TOOL}\`: TGI takes its call for none`);
  if (
    typeof choice === "object" &&
    choice?.type === "function" &&
    !functions.some(({ name }) => name === choice.function.name)
  )
    return unsupported(engine, "tool_choice", "names a tool that is not among `tools`");
  const encoded: Json[] = [];
  for (const [at, { name, description, parameters }] of functions.entries()) {
    const schema = inlineRefs(parameters ?? {});
    if (!schema)
      return unsupported(
        engine,
        `tools[${at}].function.parameters`,
        "refers to itself, or to what it does not define",
      );
    encoded.push({
      type: "function",
      function: { name, description, parameters: { type: "object", properties: {}, ...schema } },
    });
  }
  return ok({
    tools: encoded,
    tool_choice: choice ?? undefined,
    tool_prompt: call.body.tool_prompt ?? undefined,
  });
}

/**
 * What the text must look like, under TGI's names: OpenAI's `json_schema` member is refused there. Its own form,
 * `{type, value}`, is taken from a field `grammar`, as its native routes call it. Undefined where nothing is asked.
 */
export function encodeGrammar({ body, engine }: EngineCall<Json>): Result<Json | undefined, Failure> {
  const format = asObject(body.response_format);
  const type = format?.type ?? "text";
  if (body.grammar != null) {
    if (type !== "text") return unsupported(engine, "grammar", "cannot be combined with `response_format`");
    const grammar = asObject(body.grammar);
    return grammar ? ok(grammar) : unsupported(engine, "grammar", "must be of TGI's form, `{type, value}`");
  }
  if (type === "text") return ok(undefined);
  const described = type === "json_schema" ? asObject(format?.json_schema) : asObject(format);
  const schema = asObject(described?.schema);
  if (!schema)
    return unsupported(
      engine,
      "response_format",
      `of type \`${String(type)}\` without a schema is not supported by TGI: send \`json_schema\` with a schema that has \`properties\``,
    );
  return ok({
    type,
    value:
      type === "json_schema"
        ? { name: described?.name, schema, strict: described?.strict ?? undefined }
        : schema,
  });
}
