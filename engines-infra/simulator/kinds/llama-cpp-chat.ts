import type { Answer } from "../model/answer.ts";
import { messageText, readConversation } from "../model/conversation.ts";
import type { Conversation } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { isObject, listOf, numberOf, objectOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import { encode } from "../model/tokenizer.ts";
import type { Context } from "./kind.ts";
import {
  BUILD,
  badChoices,
  fail,
  failure,
  json,
  llamaStream,
  timings,
  tooLong,
  wrongType,
} from "./llama-cpp-http.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

/** POST /v1/chat/completions. `model` is not looked at; answers name the alias. */
export function llamaChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = chatRefusal(context, body);
  if (refused) return refused;
  const conversation = readConversation(body["messages"], context.settings.continuesPrefill);
  const overflow = tooLong(context, conversation.promptTokens);
  if (overflow) return overflow;
  // An object that names a function is read as the default.
  const choice = readToolChoice(typeof body["tool_choice"] === "string" ? body["tool_choice"] : "auto");
  // A template without a place for tools drops them in silence, however they were to be called.
  const tools = context.settings.lacks.includes("tools") ? [] : readTools(body["tools"]);
  const all = callsFor(tools, choice, conversation.lastUserText);
  const ask = {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "n_predict", "max_tokens", "max_completion_tokens"),
    ignoreEos: body["ignore_eos"] === true,
    calls: body["parallel_tool_calls"] === false ? all.slice(0, 1) : all,
    json: constraintOf(body),
    thinks: asksToThink(conversation.lastUserText) && mayThink(body),
  };
  const made = turnOf(context, [ask], numberOf(body["n"]) ?? 1);
  const turn = inlined(saidAgain(made, body, conversation), body);
  return body["stream"] === true ? streamed(context, body, turn) : whole(context, body, turn);
}

/** A schema that is not there, or has no members, constrains nothing: the answer is any text. */
function constraintOf(body: JsonObject): { schema: JsonObject } | undefined {
  const format = objectOf(body["response_format"]);
  const inFormat = format["schema"] ?? objectOf(format["json_schema"])["schema"];
  const schema = objectOf(inFormat ?? body["json_schema"]);
  return Object.keys(schema).length > 0 ? { schema } : undefined;
}

/** The beginning that was given is said again: in a whole answer always, in a stream unless told otherwise. */
function saidAgain(turn: Turn, body: JsonObject, { prefill }: Conversation): Turn {
  const continued = body["continue_final_message"] !== undefined && body["echo"] === false;
  if (prefill === "" || (body["stream"] === true && continued)) return turn;
  const answers = turn.answers.map((answer): Answer => {
    const [first = "", ...rest] = answer.content;
    return { ...answer, content: [prefill + first, ...rest] };
  });
  return { ...turn, answers };
}

function chatRefusal(context: Context, body: JsonObject): Whole | undefined {
  const { tools } = body;
  const wrong = wrongType(body);
  if (wrong) return wrong;
  if (body["messages"] === undefined) return fail(failure(400, "'messages' is required"));
  if (!Array.isArray(body["messages"])) return fail(failure(400, "Expected 'messages' to be an array"));
  if (tools && body["grammar"])
    return fail(failure(400, "Cannot use custom grammar constraints with tools."));
  if (body["json_schema"] && body["grammar"])
    return fail(failure(500, "Cannot use both json_schema and grammar"));
  if (body["top_logprobs"] && body["logprobs"] !== true)
    return fail(failure(400, "top_logprobs requires logprobs to be set to true"));
  if (tools && body["logprobs"] === true && body["stream"] === true) {
    return fail(failure(400, "logprobs is not supported with tools + stream"));
  }
  const thinking = objectOf(body["chat_template_kwargs"])["enable_thinking"];
  if (thinking !== undefined && typeof thinking !== "boolean") {
    return fail(failure(400, 'invalid type for "enable_thinking" (expected boolean, got string)'));
  }
  const images = readConversation(body["messages"]).images;
  if (images.length > 0 && context.settings.lacks.includes("vision")) {
    return fail(
      failure(
        500,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
      ),
    );
  }
  if (images.some((image) => !/^(https?:\/\/|data:image\/)/.test(image)))
    return fail(failure(500, "Invalid url value"));
  return badChoices(context, body);
}

function mayThink(body: JsonObject): boolean {
  const off = objectOf(body["chat_template_kwargs"])["enable_thinking"] === false;
  const budget = numberOf(body["reasoning_budget_tokens"]) ?? numberOf(body["thinking_budget_tokens"]) ?? -1;
  return !off && budget !== 0 && body["reasoning_effort"] !== "none";
}

/** With `reasoning_format: none` the thoughts stay in the text, tags and all. */
function inlined(turn: Turn, body: JsonObject): Turn {
  if (body["reasoning_format"] !== "none") return turn;
  const answers = turn.answers.map((answer): Answer => {
    const { reasoning, content } = answer;
    if (reasoning.length === 0) return answer;
    const tagged = reasoning.map((token, at) => (at === 0 ? `<think>${token}` : token));
    const closed = content.map((token, at) => (at === 0 ? `</think>${token}` : token));
    return { ...answer, reasoning: [], content: [...tagged, ...closed] };
  });
  return { ...turn, answers };
}

/** What a chat answer costs, as every OpenAI-style route of this server says it. */
export function usageOf({ prompt, completion, total }: Usage) {
  return {
    completion_tokens: completion,
    prompt_tokens: prompt,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function whole(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const choices = turn.answers.map((answer, index) => {
    const calls = answer.toolCalls.map((call, at) => ({
      type: "function",
      function: { name: call.name, arguments: call.pieces.join("") },
      id: callId(context, index, at),
    }));
    const message = {
      role: "assistant",
      ...(answer.reasoning.length > 0 ? { reasoning_content: answer.reasoning.join("") } : {}),
      content: answer.content.join(""),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    const logprobs =
      top === undefined ? {} : { logprobs: { content: answer.content.map((token) => logprob(token, top)) } };
    return { finish_reason: finishOf(answer), index, message, ...logprobs };
  });
  // Answers are merged into the first one, and its counts stay.
  const [first] = turn.shares;
  const reply = {
    choices,
    created: turn.createdS,
    model: context.settings.models[0] ?? "",
    system_fingerprint: BUILD,
    object: "chat.completion",
    ...(first ? { usage: usageOf(first) } : {}),
    id: idOf(context),
    ...(first ? { timings: timings(first.prompt, first.completion) } : {}),
  };
  return { ...json(200, reply), tokens: turn.tokens };
}

function streamed(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const tail = {
    created: turn.createdS,
    id: idOf(context),
    model: context.settings.models[0] ?? "",
    system_fingerprint: BUILD,
    object: "chat.completion.chunk",
  };
  const { usage } = turn;
  const tells = includesUsage(body);
  const perToken = body["timings_per_token"] === true;
  function* events(): Generator<WireEvent> {
    let produced = 0;
    for (const step of steps(turn.answers)) {
      produced += step.tokens;
      const closing = step.type === "close";
      const finish = closing ? finishOf(step.answer) : null;
      const logprobs =
        top !== undefined && step.type === "text" ? { logprobs: { content: [logprob(step.text, top)] } } : {};
      const choice = {
        finish_reason: finish,
        index: step.choice,
        delta: deltaOf(context, step),
        ...logprobs,
      };
      // Timings sit on a choice's last chunk, or on every one if asked.
      const running =
        perToken && usage && step.tokens > 0 ? { timings: timings(usage.prompt, produced) } : {};
      const share = closing ? turn.shares[step.choice] : undefined;
      const timed = share ? { timings: timings(share.prompt, share.completion) } : {};
      const last = share && !tells ? timed : running;
      const part = step.type === "open" ? "role" : closing ? "finish" : "text";
      yield { part, wire: sse({ choices: [choice], ...tail, ...last }), tokens: step.tokens };
      if (share && tells)
        yield {
          part: "usage",
          wire: sse({ choices: [], ...tail, usage: usageOf(share), ...timed }),
          tokens: 0,
        };
    }
  }
  return llamaStream(body, events());
}

function deltaOf(context: Context, step: Step): JsonObject {
  switch (step.type) {
    case "open":
      return { role: "assistant", content: null };
    case "reasoning":
      return { reasoning_content: step.text };
    case "text":
      return { content: step.text };
    case "call": {
      const fn = { name: step.call.name, arguments: "" };
      return {
        tool_calls: [
          { index: step.index, id: callId(context, step.choice, step.index), type: "function", function: fn },
        ],
      };
    }
    case "arguments":
      return { tool_calls: [{ index: step.index, function: { arguments: step.piece } }] };
    case "close":
      return {};
  }
}

/** Only three endings exist; `length` stands for every other. */
function finishOf({ finish }: Answer): string {
  return finish === "abort" ? "length" : finish;
}

/** An entry of `logprobs.content`: this server adds token ids to OpenAI's. */
export function logprob(token: string, top: number) {
  const { top_logprobs, ...entry } = chatLogprob(token, top);
  const withId = <T extends { token: string; logprob: number; bytes: number[] }>(each: T) => ({
    id: encode(each.token)[0] ?? 0,
    token: each.token,
    bytes: each.bytes,
    logprob: each.logprob,
  });
  return { ...withId(entry), top_logprobs: top_logprobs.map(withId) };
}

function idOf({ serial }: Context): string {
  return `chatcmpl-${alphanumeric(serial, 32)}`;
}

function callId({ serial }: Context, choice: number, index: number): string {
  return alphanumeric(serial * 31 + choice * 100 + index, 32);
}

/** POST /v1/chat/completions/input_tokens */
export function llamaChatTokens({ call }: Context): Reply {
  const { promptTokens } = readConversation(objectOf(call.body)["messages"]);
  return json(200, { object: "response.input_tokens", input_tokens: promptTokens });
}

/** POST /apply-template */
export function llamaTemplate({ call }: Context): Reply {
  const turns = listOf(objectOf(call.body)["messages"]).filter((each: Json) => isObject(each));
  const prompt = turns
    .map((each) => `<|im_start|>${String(each["role"])}\n${messageText(each)}<|im_end|>\n`)
    .join("");
  return json(200, { prompt: `${prompt}<|im_start|>assistant\n` });
}
