import { readPrompt } from "../model/conversation.ts";
import { listOf, numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import { LENGTH_MAX_DEFAULT } from "./deepspeed-completions.ts";
import { END_TOKEN, askOf, isRefused, miiStream, readGeneration } from "./deepspeed-engine.ts";
import { NOT_JSON, SILENCE, ascii, broken, flawsOf, json, missing, plain } from "./deepspeed-http.ts";
import type { Flaw } from "./deepspeed-http.ts";
import { TOKENS_MAX_DEFAULT } from "./deepspeed-openai.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import type { Reply, Whole, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import { turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** DeepSpeed-MII's simple server, `python -m mii.entrypoints.api_server`: texts, and nothing about them. */
export const deepspeedNative: EngineKind = {
  id: "deepspeed-native",
  port: 8000,
  defaults: {},
  headers: { server: "uvicorn" },
  headersLeave: "accepted",
  keepAliveMs: 300_000,
  requestsPerConnectionMax: 0,
  routes: {
    "POST /generate": generates(generate),
    "GET /health": tells(() => json(200, { status: "ok" })),
  },
  admit: ({ call }, route) => (route?.generates && call.body === undefined ? invalid([NOT_JSON]) : undefined),
  notFound: () => plain(404),
  wrongMethod: () => plain(405),
  error: (status) => (status === 422 ? invalid([missing("prompt", {})]) : plain(status)),
  overload: () => SILENCE,
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
  survivesDisconnect: () => true,
};

/** FastAPI's own words for a request that pydantic turned down. */
function invalid(detail: Flaw[]): Whole {
  return json(422, { detail });
}

function generate(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { prompt } = body;
  const flaws = [...(prompt === undefined ? [missing("prompt", body)] : []), ...flawsOf(body)];
  if (flaws.length > 0) return invalid(flaws);
  const list = typeof prompt === "string" ? [prompt] : listOf(prompt);
  const prompts = list.filter((each) => typeof each === "string");
  const hasNoStop = Array.isArray(body["stop"]) && body["stop"].length === 0;
  if (prompts.length < list.length || list.length === 0 || hasNoStop) return broken();
  const isStream = body["stream"] === true;
  const asked: JsonObject = { max_length: LENGTH_MAX_DEFAULT, ...body };
  const generation = readGeneration(context, asked, numberOf(body["max_tokens"]) ?? TOKENS_MAX_DEFAULT);
  const conversations = (isStream ? prompts.slice(0, 1) : prompts).map((each) => readPrompt(each));
  if (conversations.some(({ promptTokens }) => isRefused(generation, promptTokens)))
    return isStream ? miiStream([]) : broken();
  const asks = conversations.map((each) => askOf(context, each, generation));
  const turn = turnOf(context, asks);
  if (isStream) return miiStream(frames(turn));
  const texts = turn.answers.map(({ content }) => content.join(""));
  return { ...json(200, { text: texts }), tokens: turn.tokens };
}

/** Each token, the end of the model's turn among them, and then an empty frame. */
function* frames(turn: Turn): Generator<WireEvent> {
  for (const step of steps(turn.answers)) {
    if (step.type === "text") yield { part: "text", wire: frame(step.text), tokens: step.tokens };
    if (step.type !== "close") continue;
    if (step.answer.finish === "stop") yield { part: "text", wire: frame(END_TOKEN), tokens: 0 };
    yield { part: "finish", wire: frame(""), tokens: step.tokens };
  }
}

/** Python's own JSON: a space behind the colon, and ASCII alone. */
function frame(text: string): string {
  return `data: {"text": [${ascii(JSON.stringify(text))}]}\n\n`;
}
