import type { Ask } from "../model/answer.ts";
import { readConversation } from "../model/conversation.ts";
import type { Conversation } from "../model/conversation.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { ToolChoice } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import type { Reply } from "./reply.ts";
import { tensorrtLlmChatWriter } from "./tensorrt-llm-chat-writer.ts";
import { CHAT_FIELDS, refusal } from "./tensorrt-llm-fields.ts";
import { fail, tooLong, validation, valueError } from "./tensorrt-llm-http.ts";
import { baseAsk, firstLimit, readResponseFormat, turnOf } from "./turn.ts";

/** POST /v1/chat/completions */
export function tensorrtLlmChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(body, CHAT_FIELDS) ?? chatRefusal(body);
  if (refused) return refused;
  const choice = readToolChoice(body["tool_choice"]);
  const conversation = readConversation(body["messages"], continues(context, body));
  const overflow = tooLong(context, conversation.promptTokens);
  if (overflow) return overflow;
  const turn = turnOf(context, [askOf(context, body, conversation, choice)], numberOf(body["n"]) ?? 1);
  const writer = tensorrtLlmChatWriter(
    context,
    body,
    turn,
    choice.mode === "named" ? choice.name : undefined,
  );
  return body["stream"] === true ? writer.stream() : writer.whole();
}

/** The renderer of the chat template leaves a closing assistant message open if it is told to, and only then. */
function continues({ settings }: Context, body: JsonObject): boolean {
  const told = objectOf(body["chat_template_kwargs"])["continue_final_message"] === true;
  return settings.continuesPrefill || (told && body["add_generation_prompt"] === false);
}

function askOf(context: Context, body: JsonObject, conversation: Conversation, choice: ToolChoice): Ask {
  return {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "max_tokens", "max_completion_tokens"),
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["include_stop_str_in_output"] === true,
    calls: calls(context, body, conversation, choice),
    json: responseFormat(body),
    thinks: asksToThink(conversation.lastUserText),
  };
}

/**
 * The calls that its parser finds in the text. `required` is taken and not enforced, nor is a limit to one call; the text
 * that a named call becomes is whatever the model writes.
 */
function calls({ settings }: Context, body: JsonObject, { lastUserText }: Conversation, choice: ToolChoice) {
  if (choice.mode === "named" || settings.lacks.includes("tools")) return [];
  const mode = choice.mode === "required" ? "auto" : choice.mode;
  return callsFor(readTools(body["tools"]), { mode }, lastUserText);
}

/** OpenAI's formats, a schema without its wrapper, and the server's own `json`. */
function responseFormat(body: JsonObject): Ask["json"] {
  const format = objectOf(body["response_format"]);
  if (format["type"] === "json") return { schema: objectOf(format["schema"]) };
  const bare = objectOf(format["json_schema"]);
  if (format["type"] === "json_schema" && bare["schema"] === undefined) return { schema: bare };
  return readResponseFormat(format);
}

function chatRefusal(body: JsonObject) {
  const { messages } = body;
  if (messages === undefined) return validation(["body", "messages"], "missing", "Field required");
  if (!Array.isArray(messages))
    return validation(["body", "messages"], "list_type", "Input should be a valid list", messages);
  const choice = body["tool_choice"];
  const toolless = choice === undefined || choice === "none" || choice === "auto";
  if (!toolless && readTools(body["tools"]).length === 0)
    return valueError("When using `tool_choice`, `tools` must be set.");
  if (body["top_logprobs"] != null && body["logprobs"] !== true)
    return valueError("logprobs must be true when using top_logprobs");
  if (body["chat_template"] != null)
    return fail(
      400,
      "chat_template cannot be supplied per request unless request-level chat templates are enabled at server startup.",
    );
  return undefined;
}
