import { type ChatRequest, type FunctionTool, isFunctionTool } from "../contracts/chat.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { type Edits, allowedTools } from "./openai-dialect.ts";

/** A field that cannot be obeyed, and why. */
type Refused = { readonly param: string; readonly what: string };

/**
 * A call of this tool and nothing else. The server takes whatever the model writes for the call's arguments, so the
 * text is held to the tool's parameters.
 */
const forced = ({ function: { name, parameters } }: FunctionTool): Edits => ({
  set: {
    tool_choice: { type: "function", function: { name } },
    response_format: { type: "json_schema", json_schema: parameters ?? { type: "object" } },
  },
});

/** One of the tools must be called: the server takes the word and leaves it to the model all the same. */
function required(tools: readonly FunctionTool[], edits: Edits = {}): Result<Edits, Refused> {
  const [only, ...others] = tools;
  if (!only || others.length > 0)
    return err({
      param: "tool_choice",
      what: "`required` with several tools is not obeyed by TensorRT-LLM: name one",
    });
  return ok({ set: { ...edits.set, ...forced(only).set } });
}

/** What the request's tools and its choice among them become; fails for what the server would only seem to obey. */
export function toolEdits(body: ChatRequest): Result<Edits, Refused> {
  const { tool_choice: choice, parallel_tool_calls: parallel } = body;
  const tools = (body.tools ?? []).filter(isFunctionTool);
  // OpenAI takes an empty list for no tools.
  if (body.tools?.length === 0) return ok({ remove: ["tools", "tool_choice"] });
  const unknown = err({ param: "tool_choice", what: "names a tool that is not among `tools`" });
  if (typeof choice === "object" && choice?.type === "function") {
    const named = tools.find((tool) => tool.function.name === choice.function.name);
    return named ? ok(forced(named)) : unknown;
  }
  const allowed = allowedTools(body);
  if (!allowed) return unknown;
  const mode = allowed.set?.tool_choice ?? choice;
  const kept = (allowed.set?.tools as FunctionTool[] | undefined) ?? tools;
  if (mode === "required" && kept.length > 0) return required(kept, allowed);
  if (parallel === false && kept.length > 0 && mode !== "none")
    return err({ param: "parallel_tool_calls", what: "cannot be switched off with TensorRT-LLM" });
  return ok(allowed);
}
