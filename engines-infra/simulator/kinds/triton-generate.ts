import type { Ask } from "../model/answer.ts";
import { readPrompt } from "../model/conversation.ts";
import { numberOf, objectOf, textOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { sse } from "./reply.ts";
import type { Reply, Whole, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { fail, isClassic, repository } from "./triton-http.ts";
import { classicObject, llmApiObject } from "./triton-objects.ts";
import { baseAsk, readStop, turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** Limit of the LLM API where nobody says. */
const LLM_API_TOKENS_MAX = 32;

/** What `generate` says, with status 200, where a model gives more or less than one answer. */
const NOT_ONE =
  "generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses";

/** POST /v2/models/:model/generate */
export function tritonGenerate(context: Context): Reply {
  const asked = read(context);
  if ("status" in asked) return asked;
  if (asked.streams) return fail(200, NOT_ONE);
  return whole(asked);
}

/** POST /v2/models/:model/generate_stream: a model that was not asked to stream gives one event. */
export function tritonGenerateStream(context: Context): Reply {
  const asked = read(context);
  if ("status" in asked) return asked;
  return asked.streams ? streamed(asked) : onlyEvent(whole(asked));
}

type Asked = { model: string; body: JsonObject; turn: Turn; streams: boolean; echo: string };

function read(context: Context): Asked | Whole {
  const { call, settings } = context;
  const body = objectOf(call.body);
  const model = call.params["model"] ?? "";
  if (!repository(settings).includes(model))
    return fail(404, `Request for unknown model: '${model}' is not found`);
  const prompt = textOf(body["text_input"]);
  if (prompt === undefined || !settings.models.includes(model))
    return fail(400, `missing required input tensor for model '${model}'`);
  const classic = isClassic(model);
  const refused = refuseParameters(body, classic);
  if (refused) return refused;
  const conversation = readPrompt(prompt);
  const most = settings.contextTokens;
  if (conversation.promptTokens > most)
    return fail(
      500,
      `Encountered an error when fetching new request: Prompt length (${conversation.promptTokens}) exceeds maximum input length (${most}). Set log level to info and check TRTGptModel logs for how maximum input length is set`,
    );
  const limit = numberOf(body[classic ? "max_tokens" : "sampling_param_max_tokens"]);
  if (classic && limit === undefined)
    return fail(400, "missing required input tensor 'max_tokens' for model 'ensemble'");
  const base = baseAsk(context, conversation);
  const ask: Ask = {
    ...base,
    seed: numberOf(body[classic ? "seed" : "sampling_param_seed"]),
    tokensMax: limit ?? LLM_API_TOKENS_MAX,
    tokensMin: classic ? numberOf(body["min_tokens"]) : undefined,
    stop: readStop(body[classic ? "stop_words" : "sampling_param_stop"]),
    // Classic models leave in the text what they have stopped at.
    stopKept: classic,
    json: classic ? guided(body) : undefined,
  };
  const hides =
    body[classic ? "exclude_input_in_output" : "sampling_param_exclude_input_from_output"] === true;
  return {
    model,
    body,
    turn: turnOf(context, [ask]),
    streams: body[classic ? "stream" : "streaming"] === true,
    echo: hides ? "" : prompt,
  };
}

/** The grammar of a classic model. */
function guided(body: JsonObject): Ask["json"] {
  if (body["guided_decoding_guide_type"] === "json") return {};
  if (body["guided_decoding_guide_type"] !== "json_schema") return undefined;
  return { schema: JSON.parse(textOf(body["guided_decoding_guide"]) ?? "{}") };
}

const LISTS = { classic: ["stop_words", "bad_words"], llmApi: ["sampling_param_stop", "image_url"] };

/** A field that is no tensor of the model becomes a parameter of the request, and those are no lists. */
function refuseParameters(body: JsonObject, classic: boolean): Whole | undefined {
  const lists = classic ? LISTS.classic : LISTS.llmApi;
  const wrong = Object.keys(body).find(
    (name) => typeof body[name] === "object" && name !== "parameters" && !lists.includes(name),
  );
  return wrong === undefined
    ? undefined
    : fail(
        400,
        `parameter '${wrong}' has invalid type. It should be either 'int', 'bool', 'double' or 'string'.`,
      );
}

function whole({ model, body, turn, echo }: Asked): Whole {
  const [answer] = turn.answers;
  const said = echo + (answer?.content.join("") ?? "");
  const wire = isClassic(model)
    ? classicObject(model, body, said, { turn, tokens: turn.tokens })
    : llmApiObject(model, body, said, answer?.finish);
  return {
    type: "whole",
    status: 200,
    headers: { "content-type": "application/json" },
    body: wire,
    tokens: turn.tokens,
  };
}

function onlyEvent({ body, tokens }: Whole): Reply {
  return stream([{ part: "text", wire: `data: ${body}\n\n`, tokens }]);
}

function streamed(asked: Asked): Reply {
  return stream(isClassic(asked.model) ? classicEvents(asked) : llmApiEvents(asked));
}

/** An event has the new text alone; behind the last one there is nothing. */
function* classicEvents({ model, body, turn, echo }: Asked): Generator<WireEvent> {
  const object = (said: string, tokens: number) =>
    `data: ${classicObject(model, body, said, { turn, tokens })}\n\n`;
  let before = echo;
  for (const step of steps(turn.answers)) {
    if (step.type === "text") {
      yield { part: "text", wire: object(before + step.text, 1), tokens: 1 };
      before = "";
    } else if (step.type === "close" && step.answer.finish !== "length") {
      yield { part: "finish", wire: object("", step.tokens), tokens: step.tokens };
    }
  }
}

/** An event has all of the text so far, and only the last one says why there is no more. */
function* llmApiEvents({ model, body, turn, echo }: Asked): Generator<WireEvent> {
  let said = echo;
  for (const step of steps(turn.answers)) {
    if (step.type === "text") {
      said += step.text;
      yield { part: "text", wire: `data: ${llmApiObject(model, body, said, undefined)}\n\n`, tokens: 1 };
    } else if (step.type === "close") {
      const wire = `data: ${llmApiObject(model, body, said, step.answer.finish)}\n\n`;
      yield { part: "finish", wire, tokens: step.tokens };
    }
  }
}

/** A stream as Triton frames it: no mark at its end, and an error as one more event. */
function stream(events: Iterable<WireEvent>): Reply {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  const error = "Error generating request: CUDA error: an illegal memory access was encountered";
  return { type: "stream", headers, events, trouble: [sse({ error })], end: "" };
}
