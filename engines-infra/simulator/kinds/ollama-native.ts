import type { Answer, Ask, ToolCall } from "../model/answer.ts";
import { readConversation, readPrompt } from "../model/conversation.ts";
import type { Conversation } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { isObject, listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { encode } from "../model/tokenizer.ts";
import { asksToThink, callsFor, readTools } from "../model/tools.ts";
import type { Feature } from "../settings.ts";
import type { Context } from "./kind.ts";
import { chatLogprob } from "./logprobs.ts";
import {
  fail,
  goJson,
  json,
  metrics,
  modelRefusal,
  nativeRefusal,
  optionRefusal,
  saidMs,
  stamp,
  tooLong,
} from "./ollama-http.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { steps } from "./steps.ts";
import { baseAsk, readStop, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /api/chat */
export function ollamaChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused =
    modelRefusal(context, body, needs(body)) ??
    nativeRefusal(context, body) ??
    contentRefusal(context, body["messages"]);
  if (refused) return refused;
  const options = objectOf(body["options"]);
  if (listOf(body["messages"]).length === 0)
    return loaded(context, body, { message: { role: "assistant", content: "" } });
  const conversation = readConversation(body["messages"], context.settings.continuesPrefill);
  const calls = callsFor(readTools(body["tools"]), { mode: "auto" }, conversation.lastUserText);
  const ask = { ...nativeAsk(context, body, conversation), calls };
  return (
    optionRefusal(context, options) ??
    tooLong(context, body, conversation.promptTokens) ??
    write(context, body, conversation, turnOf(context, [ask]), chatSpeech(context))
  );
}

/** POST /api/generate. The prompt of a model without a template is a legacy completion; so is every prompt here. */
export function ollamaGenerate(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = modelRefusal(context, body, needs(body)) ?? nativeRefusal(context, body);
  if (refused) return refused;
  const prompt = textOf(body["prompt"]) ?? "";
  const system = textOf(body["system"]) ?? "";
  if (prompt === "") return loaded(context, body, { response: "" });
  const bad = imageRefusal(context, listOf(body["images"]));
  if (bad) return bad;
  const conversation = readPrompt(system === "" || body["raw"] === true ? prompt : `${system}\n${prompt}`);
  const turn = turnOf(context, [nativeAsk(context, body, conversation)]);
  return (
    optionRefusal(context, objectOf(body["options"])) ??
    tooLong(context, body, conversation.promptTokens) ??
    write(context, body, conversation, turn, generateSpeech(body, prompt))
  );
}

function needs(body: JsonObject): Feature[] {
  const images =
    listOf(body["images"]).length > 0 ||
    listOf(body["messages"]).some((each) => listOf(objectOf(each)["images"]).length > 0);
  return [
    "chat",
    ...(listOf(body["tools"]).length > 0 ? (["tools"] as const) : []),
    ...(images ? (["vision"] as const) : []),
    ...(body["think"] && body["think"] !== "none" ? (["thinking"] as const) : []),
  ];
}

/** What Go's decoder refuses in a message: parts instead of a text, and images that are not bare base64. */
function contentRefusal(context: Context, messages: Json | undefined): Whole | undefined {
  for (const message of listOf(messages).filter(isObject)) {
    if (Array.isArray(message["content"])) {
      const text =
        "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string";
      return fail(context, 400, text);
    }
    const bad = imageRefusal(context, listOf(message["images"]));
    if (bad) return bad;
  }
  return undefined;
}

function imageRefusal(context: Context, images: Json[]): Whole | undefined {
  for (const image of images) {
    const at = typeof image === "string" ? image.search(/[^A-Za-z0-9+/=\r\n]/) : 0;
    if (at >= 0) return fail(context, 400, `illegal base64 data at input byte ${at}`);
  }
  return undefined;
}

function nativeAsk(context: Context, body: JsonObject, conversation: Conversation): Ask {
  const options = objectOf(body["options"]);
  const limit = numberOf(options["num_predict"]) ?? -1;
  const format = body["format"];
  const think = body["think"];
  return {
    ...baseAsk(context, conversation),
    seed: numberOf(options["seed"]),
    stop: readStop(options["stop"]),
    tokensMax: limit >= 0 ? limit : undefined,
    json: isObject(format) ? { schema: format } : format === "json" ? {} : undefined,
    thinks:
      asksToThink(conversation.lastUserText) &&
      think !== false &&
      !context.settings.lacks.includes("thinking"),
  };
}

/** No prompt at all loads the model, or unloads it. */
function loaded(context: Context, body: JsonObject, said: JsonObject): Reply {
  const unload = body["keep_alive"] === 0;
  return json(200, {
    model: body["model"],
    created_at: stamp(context.nowMs),
    ...said,
    done: true,
    done_reason: unload ? "unload" : "load",
  });
}

/** How the two native routes put one token, or everything, into a line. */
type Speech = {
  said: (part: { text?: string; thinking?: string; calls?: ToolCall[] }) => JsonObject;
  /** Fields that only the last line has. */
  last: (answer: Answer) => Record<string, unknown>;
};

function chatSpeech({ serial }: Context): Speech {
  return {
    said: ({ text = "", thinking = "", calls = [] }) => {
      const tool_calls = calls.map((call, index) => ({
        id: `call_${alphanumeric(serial * 31 + index, 8).toLowerCase()}`,
        function: { index, name: call.name, arguments: call.arguments },
      }));
      const message: JsonObject = { role: "assistant", content: text };
      if (thinking !== "") message["thinking"] = thinking;
      if (tool_calls.length > 0) message["tool_calls"] = tool_calls;
      return { message };
    },
    last: () => ({}),
  };
}

function generateSpeech(body: JsonObject, prompt: string): Speech {
  return {
    said: ({ text = "", thinking = "" }) => ({ response: text, ...(thinking === "" ? {} : { thinking }) }),
    last: (answer) => (body["raw"] === true ? {} : { context: encode(prompt + answer.content.join("")) }),
  };
}

function write(
  context: Context,
  body: JsonObject,
  conversation: Conversation,
  turn: Turn,
  speech: Speech,
): Reply {
  const [answer] = turn.answers;
  if (!answer) return fail(context, 500, "no answer");
  const model = String(body["model"]);
  const top = body["logprobs"] === true ? (numberOf(body["top_logprobs"]) ?? 0) : undefined;
  // A native tool call still ends with `stop`, and a cut call is not parsed at all.
  const reason = answer.finish === "length" ? "length" : "stop";
  const calls = answer.finish === "length" ? [] : answer.toolCalls;
  const counts = turn.usage ? metrics(conversation.promptTokens, answer.tokens) : {};
  const end = { done: true, done_reason: reason, ...speech.last(answer), ...counts };
  const logprobs = (tokens: string[]) =>
    top === undefined ? {} : { logprobs: tokens.map((token) => chatLogprob(token, top)) };
  const line = (produced: number, rest: Record<string, unknown>): string =>
    goJson({ model, created_at: stamp(saidMs(context.nowMs, produced)), ...rest });
  const said = { text: answer.content.join(""), thinking: answer.reasoning.join(""), calls };
  if (body["stream"] === false) {
    const whole = {
      model,
      created_at: stamp(saidMs(context.nowMs, answer.tokens)),
      ...speech.said(said),
      ...end,
      ...logprobs(answer.content),
    };
    return { ...json(200, whole), tokens: answer.tokens };
  }
  const onDone = context.settings.toolCallsOnDone;
  function* events(): Generator<WireEvent> {
    let produced = 0;
    for (const step of steps(turn.answers)) {
      produced += step.tokens;
      if (step.type === "reasoning") {
        yield {
          part: "text",
          wire: line(produced, { ...speech.said({ thinking: step.text }), done: false }),
          tokens: 1,
        };
      } else if (step.type === "text") {
        const wire = line(produced, {
          ...speech.said({ text: step.text }),
          done: false,
          ...logprobs([step.text]),
        });
        yield { part: "text", wire, tokens: 1 };
      } else if (step.type === "call" || step.type === "arguments") {
        // Calls are parsed out of the text and come whole, so their tokens pass in silence.
        yield { part: "text", wire: "", tokens: 1 };
      } else if (step.type === "close") {
        if (calls.length > 0 && !onDone)
          yield { part: "text", wire: line(produced, { ...speech.said({ calls }), done: false }), tokens: 0 };
        const wire = line(produced, { ...speech.said(onDone ? { calls } : {}), ...end });
        yield { part: "finish", wire, tokens: step.tokens };
      }
    }
  }
  const trouble = [goJson({ error: "an error was encountered while running the model: unexpected EOF" })];
  return {
    type: "stream",
    headers: { "content-type": "application/x-ndjson" },
    events: events(),
    trouble,
    end: "",
  };
}
