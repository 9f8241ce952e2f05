import type { Answer, Ask } from "../model/answer.ts";
import { readConversation } from "../model/conversation.ts";
import { isObject, listOf, numberOf, objectOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { Tool, ToolChoice } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import type { Reply, Whole } from "./reply.ts";
import { sglangChatStream, sglangChatWhole } from "./sglang-chat-writer.ts";
import { refusal, refused, tooLong, validation } from "./sglang-http.ts";
import { baseAsk, firstLimit, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /v1/chat/completions */
export function sglangChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const wrong = refusal(context, body, "chat") ?? chatRefusal(body);
  if (wrong) return wrong;
  const conversation = readConversation(messagesOf(body), continues(body));
  const choice = readToolChoice(body["tool_choice"]);
  const ask: Ask = {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "max_completion_tokens", "max_tokens"),
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["no_stop_trim"] === true,
    calls: calls(context, body, choice, conversation.lastUserText),
    json: readResponseFormat(body["response_format"]),
    thinks: asksToThink(conversation.lastUserText) && body["reasoning_effort"] !== "none",
  };
  const overflow = tooLong(context, conversation.promptTokens, ask.tokensMax);
  if (overflow) return overflow;
  const n = numberOf(body["n"]) ?? 1;
  const turn = separated(turnOf(context, [ask], n), body);
  return body["stream"] === true
    ? sglangChatStream(context, body, turn, n)
    : sglangChatWhole(context, body, turn, n);
}

const continues = (body: JsonObject): boolean => body["continue_final_message"] === true;

/** A closing assistant message is taken for the user's, unless it is to be continued. */
function messagesOf(body: JsonObject): Json[] {
  const messages = listOf(body["messages"]);
  const last = messages.at(-1);
  if (continues(body) || !isObject(last) || last["role"] !== "assistant") return messages;
  return typeof last["content"] === "string"
    ? [...messages.slice(0, -1), { role: "user", content: last["content"] }]
    : messages;
}

/** Without a parser tools are only told to the model; a forced JSON answer makes their constraint fall away. */
function calls({ settings }: Context, body: JsonObject, choice: ToolChoice, lastUserText: string): Tool[] {
  if (settings.lacks.includes("tools") || readResponseFormat(body["response_format"])) return [];
  const all = callsFor(readTools(body["tools"]), choice, lastUserText);
  const forced = choice.mode === "required" || choice.mode === "named";
  return forced && body["parallel_tool_calls"] === false ? all.slice(0, 1) : all;
}

/** With `separate_reasoning: false` the thoughts stay in the text, tags and all. */
function separated(turn: Turn, body: JsonObject): Turn {
  if (body["separate_reasoning"] !== false) return turn;
  const answers = turn.answers.map((answer): Answer => {
    const { reasoning, content } = answer;
    if (reasoning.length === 0) return answer;
    const tagged = reasoning.map((token, at) => (at === 0 ? `<think>${token}` : token));
    const closed = content.map((token, at) => (at === 0 ? `</think>${token}` : token));
    return { ...answer, reasoning: [], content: [...tagged, ...closed] };
  });
  return { ...turn, answers };
}

function chatRefusal(body: JsonObject): Whole | undefined {
  const { messages, tools } = body;
  if (messages === undefined) return validation("messages", "missing", "Field required");
  if (!Array.isArray(messages))
    return validation("messages", "list_type", "Input should be a valid list", messages);
  if (messages.length === 0) return refused("Messages cannot be empty.");
  if (listOf(tools).some((tool) => objectOf(objectOf(tool)["function"])["strict"] === null))
    return validation("tools", "bool_type", "Input should be a valid boolean", null);
  const choice = readToolChoice(body["tool_choice"]);
  const named = readTools(tools);
  if (choice.mode === "required" && named.length === 0)
    return refused("Tools cannot be empty if tool choice is set to required.");
  if (choice.mode === "named" && named.length === 0)
    return refused("Tools cannot be empty if tool choice is set to a specific tool.");
  if (choice.mode === "named" && !named.some(({ name }) => name === choice.name))
    return refused(`Tool '${choice.name}' not found in tools list.`);
  const format = objectOf(body["response_format"]);
  if (format["type"] === "json_schema" && !isObject(objectOf(format["json_schema"])["schema"]))
    return refused("schema_ is required for json_schema response format request.");
  return undefined;
}
