import type { ToolCall } from "../model/answer.ts";
import { readConversation } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import { callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { fail, invalid, pretty, refusal, tooLong, usual } from "./openai-http.ts";
import { DONE, sse } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

export const FINGERPRINT = "fp_50cad350e4";
const CHOICES_MAX = 128;

/** POST /v1/chat/completions */
export function openaiChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(context, body) ?? chatRefusal(context, body);
  if (refused) return refused;
  const conversation = readConversation(body["messages"], context.settings.continuesPrefill);
  const overflow = tooLong(context, conversation.promptTokens, "messages");
  if (overflow) return overflow;
  const choice = readToolChoice(body["tool_choice"]);
  const all = callsFor(readTools(body["tools"]), choice, conversation.lastUserText);
  const ask = {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "max_completion_tokens", "max_tokens"),
    calls: body["parallel_tool_calls"] === false ? all.slice(0, 1) : all,
    json: readResponseFormat(body["response_format"]),
  };
  const turn = turnOf(context, [ask], numberOf(body["n"]) ?? 1);
  const named = choice.mode === "named";
  return body["stream"] === true ? streamed(context, body, turn, named) : whole(context, body, turn, named);
}

function chatRefusal({ settings }: Context, body: JsonObject): Whole | undefined {
  const { messages, tools } = body;
  if (!Array.isArray(messages))
    return invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
  if (messages.length === 0) return invalid(emptyArray("messages"), "messages", "empty_array");
  if (Array.isArray(tools) && tools.length === 0) return invalid(emptyArray("tools"), "tools", "empty_array");
  if (body["tool_choice"] && !tools) {
    return invalid(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      "tool_choice",
      null,
    );
  }
  if (body["top_logprobs"] && body["logprobs"] !== true) {
    return invalid(
      "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
      "top_logprobs",
      null,
    );
  }
  const n = numberOf(body["n"]) ?? 1;
  if (n < 1 || n > CHOICES_MAX) {
    const [side, bound] = n < 1 ? ["below minimum", `>= 1`] : ["above maximum", `<= ${CHOICES_MAX}`];
    return invalid(
      `Invalid 'n': integer ${side} value. Expected a value ${bound}, but got ${n} instead.`,
      "n",
      null,
    );
  }
  if (settings.lacks.includes("vision") && readConversation(messages).images.length > 0) {
    return fail({
      ...usual(400),
      message: "Invalid content type. image_url is only supported by certain models.",
      param: "messages.[0].content.[0].type",
    });
  }
  return undefined;
}

function emptyArray(name: string): string {
  return `Invalid '${name}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
}

function headOf(context: Context, object: string, turn: Turn, model: string) {
  return { id: `chatcmpl-${alphanumeric(context.serial, 29)}`, object, created: turn.createdS, model };
}

function whole(context: Context, body: JsonObject, turn: Turn, named: boolean): Reply {
  const top = wantedLogprobs(body);
  const choices = turn.answers.map((answer, index) => {
    const calls = answer.toolCalls.map((call, at) => ({
      id: callId(context, index, at),
      ...calledAs(call, call.pieces.join("")),
    }));
    const message = {
      role: "assistant",
      content: calls.length > 0 ? null : answer.content.join(""),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      refusal: null,
      annotations: [],
    };
    const logprobs =
      top === undefined
        ? null
        : { content: answer.content.map((token) => chatLogprob(token, top)), refusal: null };
    return { index, message, logprobs, finish_reason: finishOf(answer.finish, named) };
  });
  const reply = {
    ...headOf(context, "chat.completion", turn, String(body["model"])),
    choices,
    ...(turn.usage ? { usage: fullUsage(turn.usage) } : {}),
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
  };
  return { ...pretty(200, reply), tokens: turn.tokens };
}

function streamed(context: Context, body: JsonObject, turn: Turn, named: boolean): Reply {
  const top = wantedLogprobs(body);
  const head = {
    ...headOf(context, "chat.completion.chunk", turn, String(body["model"])),
    service_tier: "default",
    system_fingerprint: FINGERPRINT,
  };
  const told = includesUsage(body) ? turn.usage : undefined;
  // With include_usage every chunk has the key, and all but the last say null.
  const pending = told ? { usage: null } : {};
  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      if (step.type === "reasoning") continue;
      const delta = deltaOf(context, step, turn);
      const logprobs =
        top !== undefined && step.type === "text"
          ? { content: [chatLogprob(step.text, top)], refusal: null }
          : null;
      const finish = step.type === "close" ? finishOf(step.answer.finish, named) : null;
      const wire = sse({
        ...head,
        choices: [{ index: step.choice, delta, logprobs, finish_reason: finish }],
        ...pending,
      });
      yield {
        part: step.type === "open" ? "role" : step.type === "close" ? "finish" : "text",
        wire,
        tokens: step.tokens,
      };
    }
    if (told) yield { part: "usage", wire: sse({ ...head, choices: [], usage: fullUsage(told) }), tokens: 0 };
  }
  return openaiStream(events());
}

function deltaOf(context: Context, step: Step, turn: Turn): JsonObject {
  switch (step.type) {
    case "open": {
      const calls = (turn.answers[step.choice]?.toolCalls.length ?? 0) > 0;
      return { role: "assistant", content: calls ? null : "", refusal: null };
    }
    case "text":
      return { content: step.text };
    case "call": {
      const id = callId(context, step.choice, step.index);
      return { tool_calls: [{ index: step.index, id, ...calledAs(step.call, "") }] };
    }
    case "arguments": {
      const text = turn.answers[step.choice]?.toolCalls[step.index]?.text;
      const more: JsonObject = text
        ? { custom: { input: step.piece } }
        : { function: { arguments: step.piece } };
      return { tool_calls: [{ index: step.index, ...more }] };
    }
    default:
      return {};
  }
}

/** A call as OpenAI says it: of a function with arguments, or of a custom tool with its input. */
function calledAs({ name, text }: ToolCall, said: string): JsonObject {
  return text
    ? { type: "custom", custom: { name, input: said } }
    : { type: "function", function: { name, arguments: said } };
}

function callId({ serial }: Context, choice: number, index: number): string {
  return `call_${alphanumeric(serial * 31 + choice * 100 + index, 24)}`;
}

/** A function forced by name ends with `stop`, as OpenAI documents. */
function finishOf(finish: string, named: boolean): string {
  return finish === "tool_calls" && named ? "stop" : finish;
}

/** An error event is the last thing said: no end marker after it. */
export function openaiStream(events: Iterable<WireEvent>): Reply {
  const { status: _, ...error } = usual(500);
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  return { type: "stream", headers, events, trouble: [sse({ error })], end: DONE };
}

export function fullUsage({ prompt, completion, total, reasoning }: Usage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
