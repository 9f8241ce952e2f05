import type { ToolCall } from "../model/answer.ts";
import { messageText, readConversation } from "../model/conversation.ts";
import { uuid } from "../model/hash.ts";
import { isObject, listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { TYPES, misfit, mistyped, nameOf, outOfRange, schemaOf } from "./tgi-fields.ts";
import { FINGERPRINT, computed, fail, failed, json, tgiStream, tooLong, toolError } from "./tgi-http.ts";
import type { TgiError } from "./tgi-http.ts";
import { EOS, tgiTurn, tokenSteps } from "./tgi-turn.ts";
import type { Ending, TgiTurn, TokenStep } from "./tgi-turn.ts";
import { baseAsk, firstLimit, includesUsage, readStop } from "./turn.ts";

/** POST /v1/chat/completions. Any model is taken, but `tgi` for the name of an adapter, and comes back in the answer. */
export function tgiChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = unread(body);
  if (refused) return refused;
  const wrong = conflict(body);
  if (wrong) return fail(wrong);
  const streamed = body["stream"] === true;
  const conversation = readConversation(trimmed(body["messages"]), context.settings.continuesPrefill);
  const tokensMax = firstLimit(body, "max_tokens", "max_completion_tokens");
  const invalid = outOfRange(nativeOf(body)) ?? tooLong(context, conversation.promptTokens, tokensMax);
  if (invalid) return failed(invalid, "openai", streamed);
  const choice = readToolChoice(namedAsObject(body["tool_choice"]));
  const schema = schemaOf(body["response_format"]);
  const ask = {
    ...baseAsk(context, conversation),
    stop: [],
    tokensMax,
    // Of the tools its grammar allows one.
    calls: callsFor(readTools(body["tools"]), choice, conversation.lastUserText).slice(0, 1),
    json: schema ? { schema } : undefined,
    thinks: asksToThink(conversation.lastUserText),
  };
  const turn = tgiTurn(context, [ask], readStop(body["stop"]));
  const chars = listOf(body["messages"]).reduce<number>(
    (sum, each) => sum + messageText(objectOf(each)).length,
    0,
  );
  return streamed ? stream(context, body, turn, chars) : whole(context, body, turn, chars);
}

/** What serde refuses, in plain text. */
function unread(body: JsonObject): Whole | undefined {
  const { messages } = body;
  if (messages === undefined) return misfit(body, "missing field `messages`");
  if (!Array.isArray(messages))
    return misfit(body, `messages: invalid type: ${nameOf(messages)}, expected a sequence`);
  if (body["max_tokens"] !== undefined && body["max_completion_tokens"] !== undefined)
    return misfit(body, "duplicate field `max_tokens`");
  const fields = Object.keys(TYPES).filter(
    (name) => !["repetition_penalty", "top_k", "typical_p", "best_of"].includes(name),
  );
  const wrong = mistyped(body, fields);
  if (wrong) return wrong;
  const format = body["response_format"];
  if (isObject(format)) {
    if (!["json", "json_object", "regex", "json_schema"].includes(textOf(format["type"]) ?? ""))
      return misfit(
        body,
        `response_format: unknown variant \`${String(format["type"])}\`, expected one of \`json\`, \`json_object\`, \`regex\`, \`json_schema\``,
      );
    if (format["value"] === undefined) return misfit(body, "response_format: missing field `value`");
  }
  for (const message of messages) {
    const { content, tool_calls: calls } = objectOf(message);
    if (!Array.isArray(calls) && (content === undefined || content === null))
      return misfit(body, "messages: data did not match any variant of untagged enum MessageBody");
  }
  for (const [at, tool] of listOf(body["tools"]).entries()) {
    const fn = objectOf(objectOf(tool)["function"]);
    if (fn["parameters"] === undefined && fn["arguments"] === undefined)
      return misfit(body, `tools[${at}].function: missing field \`arguments\``);
  }
  return undefined;
}

/** What is refused before a stream begins. */
function conflict(body: JsonObject): TgiError | undefined {
  const tools = body["tools"];
  if (isObject(body["response_format"]) && Array.isArray(tools))
    return toolError("Grammar and tools are mutually exclusive");
  const choice = readToolChoice(namedAsObject(body["tool_choice"]));
  if (!Array.isArray(tools) || choice.mode !== "named") return undefined;
  const found = readTools(tools).some(({ name }) => name === choice.name);
  return found ? undefined : toolError(`Tool with name ${choice.name} not found`);
}

/** A function may be named without an object around it. */
function namedAsObject(choice: Json | undefined): Json | undefined {
  const word = textOf(choice);
  return word === undefined || ["auto", "none", "required"].includes(word)
    ? choice
    : { type: "function", function: { name: word } };
}

/** The space behind a closing assistant message is dropped. */
function trimmed(messages: Json | undefined): Json[] {
  const list = listOf(messages);
  const last = objectOf(list.at(-1));
  return last["role"] === "assistant" && typeof last["content"] === "string"
    ? [...list.slice(0, -1), { ...last, content: last["content"].trimEnd() }]
    : list;
}

/** The parameters under the names that they are checked by. A temperature of 0 is greedy, and no temperature. */
function nativeOf(body: JsonObject): JsonObject {
  const { temperature, presence_penalty: presence, response_format: grammar, ...rest } = body;
  return {
    ...rest,
    ...(temperature === undefined || temperature === 0 ? {} : { temperature }),
    ...(numberOf(presence) === undefined ? {} : { repetition_penalty: Number(presence) + 2 }),
    ...(grammar === undefined ? {} : { grammar }),
    max_new_tokens: body["max_tokens"] ?? body["max_completion_tokens"] ?? null,
    top_n_tokens: body["top_logprobs"] ?? null,
  };
}

const modelOf = ({ settings }: Context, body: JsonObject): string => {
  const model = textOf(body["model"]);
  return model === undefined || model === "tgi" ? (settings.models[0] ?? "") : model;
};

const finishOf = (ending: Ending): string => (ending === "eos_token" ? "stop" : ending);

function logprobOf(token: string, top: number) {
  const { bytes: _, top_logprobs: others, ...entry } = chatLogprob(token, top);
  return { ...entry, top_logprobs: others.map(({ bytes: __, ...other }) => other) };
}

function whole(context: Context, body: JsonObject, turn: TgiTurn, chars: number): Reply {
  const [answer] = turn.answers;
  const ending = turn.endings[0] ?? "eos_token";
  const top = wantedLogprobs(body);
  const [call] = answer?.toolCalls ?? [];
  if (call && ending === "length") return fail(toolError(unparsed(call)));
  const tokens = [...(answer?.content ?? []), ...(ending === "eos_token" ? [EOS] : [])];
  const message = call
    ? { role: "assistant", tool_calls: [calledAs(call)] }
    : { role: "assistant", content: (answer?.content ?? []).join("") };
  const { prompt = 0, completion = 0 } = turn.usage ?? {};
  const reply = {
    object: "chat.completion",
    id: "",
    created: turn.createdS,
    model: modelOf(context, body),
    system_fingerprint: FINGERPRINT,
    choices: [
      {
        index: 0,
        message,
        logprobs: top === undefined ? null : { content: tokens.map((token) => logprobOf(token, top)) },
        finish_reason: finishOf(ending),
      },
    ],
    ...(turn.usage ? { usage: usageOf(turn.usage) } : {}),
  };
  return { ...json(200, reply, computed(chars, prompt, completion)), tokens: turn.tokens };
}

function calledAs({ name, pieces }: ToolCall): JsonObject {
  return { id: "0", type: "function", function: { description: null, name, arguments: pieces.join("") } };
}

/** A call that the limit of tokens cut is lost with all that was said. */
function unparsed({ name, pieces }: ToolCall): string {
  const said = `{"function": {"_name": "${name}", ${pieces.slice(1).join("")}`;
  return `Failed to parse generated text: EOF while parsing an object at line 1 column ${said.length} ${JSON.stringify(said)}`;
}

export function usageOf({
  prompt,
  completion,
  total,
}: {
  prompt: number;
  completion: number;
  total: number;
}) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total };
}

function stream(context: Context, body: JsonObject, turn: TgiTurn, chars: number): Reply {
  const top = wantedLogprobs(body);
  const head = {
    object: "chat.completion.chunk",
    id: "",
    created: turn.createdS,
    model: modelOf(context, body),
    system_fingerprint: FINGERPRINT,
  };
  const id = nextCallId(context, body);
  function* events(): Generator<WireEvent> {
    for (const step of tokenSteps(turn)) {
      const delta = deltaOf(step, id);
      if (!delta) {
        yield { part: "text", wire: "", tokens: step.tokens };
        continue;
      }
      const logprobs =
        top !== undefined && step.type === "token" ? { content: [logprobOf(step.text, top)] } : null;
      const choice = { index: 0, delta, logprobs, finish_reason: step.ending ? finishOf(step.ending) : null };
      const wire = sse({ ...head, choices: [choice], usage: null });
      yield { part: step.ending ? "finish" : "text", wire, tokens: step.tokens };
    }
    if (includesUsage(body) && turn.usage)
      yield { part: "usage", wire: sse({ ...head, choices: [], usage: usageOf(turn.usage) }), tokens: 0 };
  }
  return tgiStream(events(), "openai", chars);
}

/** The role is said with every token; a special one has no text. */
function deltaOf(step: TokenStep, id: string): JsonObject | undefined {
  if (step.type === "silence") return undefined;
  if (step.type === "token") return { role: "assistant", content: step.special ? "" : step.text };
  const fn = { name: step.name, arguments: step.piece };
  return { role: "assistant", tool_calls: [{ index: 0, id, type: "function", function: fn }] };
}

/** One more than the highest id of a former call, where all of them are numbers. */
function nextCallId({ serial }: Context, body: JsonObject): string {
  const ids = listOf(body["messages"]).flatMap((message) => {
    const { content, tool_calls: calls } = objectOf(message);
    return content === undefined || content === null ? listOf(calls).map((call) => objectOf(call)["id"]) : [];
  });
  if (!ids.every((each) => /^\d+$/.test(String(each)))) return uuid(serial);
  return String(ids.reduce<number>((most, each) => Math.max(most, Number(each) + 1), 0));
}
