import type { Ask } from "../model/answer.ts";
import { readConversation, readPrompt } from "../model/conversation.ts";
import type { Conversation } from "../model/conversation.ts";
import { listOf, numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { Tool } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import { lmdeployChatStream, lmdeployChatWhole } from "./lmdeploy-chat-writer.ts";
import { refusal, refused, stopsOf, tooLong } from "./lmdeploy-http.ts";
import type { Reply, Whole } from "./reply.ts";
import { baseAsk, firstLimit, readResponseFormat, turnOf } from "./turn.ts";

const CHOICES_MAX = 128;

/** POST /v1/chat/completions; `messages` may be a text, which is completed as it is. */
export function lmdeployChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const wrong = typesOf(body) ?? refusal(context, body) ?? optionsOf(context, body);
  if (wrong) return wrong;
  const { messages } = body;
  const conversation =
    typeof messages === "string"
      ? readPrompt(messages)
      : readConversation(messages, context.settings.continuesPrefill);
  const overflow = tooLong(context, conversation.promptTokens);
  if (overflow) return overflow;
  const turn = turnOf(context, [askOf(context, body, conversation)], numberOf(body["n"]) ?? 1);
  return body["stream"] === true
    ? lmdeployChatStream(context, body, turn)
    : lmdeployChatWhole(context, body, turn);
}

function askOf(context: Context, body: JsonObject, conversation: Conversation): Ask {
  return {
    ...baseAsk(context, conversation),
    stop: stopsOf(body),
    tokensMax: firstLimit(body, "max_completion_tokens", "max_tokens"),
    tokensMin: numberOf(body["min_new_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    calls: calls(body, conversation.lastUserText),
    json: readResponseFormat(body["response_format"]),
    thinks: asksToThink(conversation.lastUserText) && mayThink(body),
  };
}

const mayThink = (body: JsonObject): boolean =>
  objectOf(body["chat_template_kwargs"])["enable_thinking"] !== false && body["enable_thinking"] !== false;

/** No choice forces a call or keeps the model from one: it only says which tools the model is told of. */
function calls(body: JsonObject, lastUserText: string): Tool[] {
  const choice = readToolChoice(body["tool_choice"]);
  const told = readTools(body["tools"]).filter(({ name }) => choice.mode !== "named" || name === choice.name);
  const all = callsFor(told, { mode: "auto" }, lastUserText);
  return body["parallel_tool_calls"] === false ? all.slice(0, 1) : all;
}

const EFFORTS = ["low", "medium", "high", "max"];

function typesOf(body: JsonObject): Whole | undefined {
  const { messages, tool_choice: choice, reasoning_effort: effort } = body;
  if (messages === undefined) return refused("messages: Field required");
  if (typeof messages !== "string" && !Array.isArray(messages))
    return refused("messages.str: Input should be a valid string");
  if (choice === null) return refused("tool_choice.ToolChoice: Input should be a valid dictionary");
  if (effort !== undefined && effort !== null && !EFFORTS.includes(String(effort)))
    return refused("reasoning_effort: Input should be 'low', 'medium', 'high' or 'max'");
  return undefined;
}

function optionsOf({ settings }: Context, body: JsonObject): Whole | undefined {
  const n = numberOf(body["n"]) ?? 1;
  if (n > CHOICES_MAX) return refused(`The n ${n} exceeds the maximum supported choices (${CHOICES_MAX}).`);
  if (body["top_logprobs"] && body["logprobs"] !== true) {
    const given = `logprobs(False)/top_logprobs(${numberOf(body["top_logprobs"])})`;
    return refused(`Invalid ${given} requested when logprobs_mode is enabled in engine configuration.`);
  }
  const told = listOf(body["tools"]).length > 0 && body["tool_choice"] !== "none";
  if (told && settings.lacks.includes("tools"))
    return refused("Please launch the api_server with --tool-call-parser if you want to use tools.");
  return undefined;
}
