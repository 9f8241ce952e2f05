import type { Answer } from "../model/answer.ts";
import { readConversation } from "../model/conversation.ts";
import { alphanumeric, mix } from "../model/hash.ts";
import { isObject, listOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readTools } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { fail, goJson, goStringify, modelRefusal } from "./ollama-http.ts";
import { DONE, text } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

const FINGERPRINT = "fp_ollama";
const EFFORTS = ["none", "minimal", "low", "medium", "high", "max", "xhigh", "ultra"];

/** POST /v1/chat/completions: reads few fields and says nothing about the others, `max_completion_tokens` among them. */
export function ollamaOpenAiChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const messages = listOf(body["messages"]).filter(isObject);
  const effort = textOf(objectOf(body["reasoning"])["effort"]) ?? textOf(body["reasoning_effort"]);
  const refused = chatRefusal(context, body, messages, effort);
  if (refused) return refused;
  const conversation = readConversation(messages, context.settings.continuesPrefill);
  const ask = {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "max_tokens"),
    calls: callsFor(readTools(body["tools"]), { mode: "auto" }, conversation.lastUserText),
    json: readResponseFormat(body["response_format"]),
    thinks: asksToThink(conversation.lastUserText) && effort !== "none",
  };
  const turn = turnOf(context, [ask]);
  return body["stream"] === true ? chatStream(context, body, turn) : chatWhole(context, body, turn);
}

function chatRefusal(
  context: Context,
  body: JsonObject,
  messages: JsonObject[],
  effort: string | undefined,
): Whole | undefined {
  if (messages.length === 0) return fail(context, 400, "[] is too short - 'messages'");
  if (effort !== undefined && !EFFORTS.includes(effort)) {
    return fail(
      context,
      400,
      `invalid reasoning value: '${effort}' (must be "high", "medium", "low", "max", or "none")`,
    );
  }
  const bad = messages.map(messageFault).find((fault) => fault !== undefined);
  if (bad !== undefined) return fail(context, 400, bad);
  const images = readConversation(messages).images.length > 0;
  const thinks = effort !== undefined && effort !== "none";
  return modelRefusal(context, body, [
    "chat",
    ...(listOf(body["tools"]).length > 0 ? (["tools"] as const) : []),
    ...(images ? (["vision"] as const) : []),
    ...(thinks ? (["thinking"] as const) : []),
  ]);
}

const IMAGE = /^data:(image\/(jpeg|jpg|png|webp))?;base64,/;

function messageFault({ content, tool_calls: calls }: JsonObject): string | undefined {
  const malformed = listOf(calls).some((call) => {
    const given = textOf(objectOf(objectOf(call)["function"])["arguments"]);
    return given === undefined || !isJsonObject(given);
  });
  if (malformed) return "invalid tool call arguments";
  if (typeof content === "string") return undefined;
  if (!Array.isArray(content)) return calls ? undefined : `invalid message content type: ${goType(content)}`;
  for (const part of content.map(objectOf)) {
    if (part["type"] === "text" && typeof part["text"] === "string") continue;
    if (part["type"] === "input_audio") continue;
    if (part["type"] !== "image_url") return "invalid message format";
    const url = textOf(part["image_url"]) ?? textOf(objectOf(part["image_url"])["url"]);
    if (url === undefined) return "invalid message format";
    if (!IMAGE.test(url)) return "invalid image input";
  }
  return undefined;
}

function isJsonObject(given: string): boolean {
  try {
    return isObject(JSON.parse(given));
  } catch {
    return false;
  }
}

function goType(value: Json | undefined): string {
  if (value === null || value === undefined) return "<nil>";
  return typeof value === "number"
    ? "float64"
    : typeof value === "boolean"
      ? "bool"
      : "map[string]interface {}";
}

// Ids are small random numbers, and so not unique.
export function smallId({ serial }: Context): number {
  return mix(serial, 7) % 999;
}

export function usageOf({ prompt, completion, total }: Usage) {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total };
}

export const NO_USAGE = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

function callsOf({ serial }: Context, { finish, toolCalls }: Answer) {
  if (finish === "length") return [];
  return toolCalls.map((call, index) => ({
    id: `call_${alphanumeric(serial * 31 + index, 8).toLowerCase()}`,
    index,
    type: "function",
    function: { name: call.name, arguments: goStringify(call.arguments) },
  }));
}

export function finishOf({ finish }: Answer): string {
  return finish === "abort" ? "stop" : finish;
}

function chatWhole(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const choices = turn.answers.map((answer, index) => {
    const calls = callsOf(context, answer);
    const message = {
      role: "assistant",
      content: answer.content.join(""),
      ...(answer.reasoning.length > 0 ? { reasoning: answer.reasoning.join("") } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    const logprobs =
      top === undefined
        ? {}
        : { logprobs: { content: answer.content.map((token) => chatLogprob(token, top)) } };
    return { index, message, finish_reason: finishOf(answer), ...logprobs };
  });
  const head = headOf(body, turn, `chatcmpl-${smallId(context)}`, "chat.completion");
  return {
    ...text(
      200,
      "application/json",
      goJson({ ...head, choices, usage: turn.usage ? usageOf(turn.usage) : NO_USAGE }),
    ),
    tokens: turn.tokens,
  };
}

export function headOf(body: JsonObject, turn: Turn, id: string, object: string) {
  return {
    id,
    object,
    created: turn.createdS,
    model: String(body["model"]),
    system_fingerprint: FINGERPRINT,
  };
}

function chatStream(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const head = headOf(body, turn, `chatcmpl-${smallId(context)}`, "chat.completion.chunk");
  function* events(): Generator<WireEvent> {
    // There is no opening chunk: the first that says anything also says the role.
    let role: JsonObject = { role: "assistant" };
    for (const step of steps(turn.answers)) {
      const delta = deltaOf(context, step);
      if (step.type === "close") {
        if (delta) yield { part: "text", wire: chunk({ ...role, ...delta }, null), tokens: 0 };
        yield { part: "finish", wire: chunk({}, finishOf(step.answer)), tokens: step.tokens };
      } else if (delta) {
        const logprobs =
          top !== undefined && step.type === "text"
            ? { logprobs: { content: [chatLogprob(step.text, top)] } }
            : {};
        yield { part: "text", wire: chunk({ ...role, ...delta }, null, logprobs), tokens: step.tokens };
        role = {};
      } else if (step.tokens > 0) yield { part: "text", wire: "", tokens: step.tokens };
    }
    if (includesUsage(body) && turn.usage) {
      yield { part: "usage", wire: goSse({ ...head, choices: [], usage: usageOf(turn.usage) }), tokens: 0 };
    }
  }
  function chunk(delta: JsonObject, finish: string | null, logprobs: Record<string, unknown> = {}): string {
    return goSse({ ...head, choices: [{ index: 0, delta, finish_reason: finish, ...logprobs }] });
  }
  // The error object is decoded as if it were a chat answer: an empty chunk is all that is left of it, then the end.
  const lost = {
    ...head,
    model: "",
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
  };
  return sseStream(events(), goSse(lost));
}

function deltaOf(context: Context, step: Step): JsonObject | undefined {
  if (step.type === "reasoning") return { content: "", reasoning: step.text };
  if (step.type === "text") return { content: step.text };
  if (step.type !== "close") return undefined;
  const calls = callsOf(context, step.answer);
  return calls.length > 0 ? { content: "", tool_calls: calls } : undefined;
}

export function goSse(value: unknown): string {
  return `data: ${goStringify(value)}\n\n`;
}

export function sseStream(events: Iterable<WireEvent>, lost: string): Reply {
  return {
    type: "stream",
    headers: { "content-type": "text/event-stream" },
    events,
    trouble: [lost],
    end: DONE,
  };
}
