import { readPrompt } from "../model/conversation.ts";
import { listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { askOf, isRefused, readGeneration } from "./deepspeed-engine.ts";
import { ascii } from "./deepspeed-http.ts";
import { generates, tells } from "./kind.ts";
import type { Context, EngineKind } from "./kind.ts";
import { text } from "./reply.ts";
import type { Reply, Whole } from "./reply.ts";
import { turnOf } from "./turn.ts";

/**
 * DeepSpeed-MII's RESTful gateway, `mii.serve(..., enable_restful_api=True)`: Flask on werkzeug, a process for each
 * request and 32 at once. The deployment has the model's name here.
 */
export const deepspeedRest: EngineKind = {
  id: "deepspeed-rest",
  port: 51_080,
  defaults: { slots: 32 },
  headers: { server: "Werkzeug/3.1.3 Python/3.10.16" },
  headersLeave: "first-token",
  keepAliveMs: 0,
  requestsPerConnectionMax: 1,
  routes: {
    "POST /mii/:deployment*": generates(generate),
    "GET /healthz": tells(() => text(200, "text/html; charset=utf-8", "ok")),
  },
  admit({ call }, route) {
    if (!route?.generates) return undefined;
    if (!/^application\/(.+\+)?json\b/i.test(call.headers["content-type"] ?? "")) return fail(415);
    return call.body === undefined ? fail(400) : undefined;
  },
  notFound: () => page(404),
  wrongMethod: () => fail(405),
  error: (status) => (status === 404 ? page(404) : fail(status)),
  // Whoever finds no free process waits where nobody has accepted the connection.
  overload: () => ({ type: "silence" }),
  loading: "refuse",
  loadingBlocks: "all",
  saysAbort: false,
  mayUseCrlf: false,
  survivesDisconnect: () => true,
};

const MESSAGES: Record<number, string> = {
  400: "The browser (or proxy) sent a request that this server could not understand.",
  405: "The method is not allowed for the requested URL.",
  415: "Did not attempt to load JSON data because the request Content-Type was not 'application/json'.",
  429: "This user has exceeded an allotted request count. Try again later.",
  503: "The server is temporarily unable to service your request due to maintenance downtime or capacity problems. Please try again later.",
};

/** An error within the one resource, as Flask-RESTful writes it. */
function fail(status: number): Whole {
  const message = MESSAGES[status] ?? "Internal Server Error";
  return text(status, "application/json", `{"message": ${JSON.stringify(message)}}\n`);
}

/** Where no resource is: Flask's page. */
function page(status: number): Whole {
  const body =
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found " +
    "on the server. If you entered the URL manually please check your spelling and try again.</p>\n";
  return text(status, "text/html; charset=utf-8", body);
}

/** The arguments of a generation; of all others, the engine's configuration wants to know nothing. */
const ARGUMENTS: ReadonlySet<string> = new Set([
  "prompts",
  "max_length",
  "max_new_tokens",
  "min_new_tokens",
  "stream",
  "ignore_eos",
  "return_full_text",
  "do_sample",
  "top_p",
  "top_k",
  "temperature",
  "stop",
]);

/** Arguments travel as text, number, boolean or map: a null or a list has no form there. */
function travels(name: string, value: Json): boolean {
  return ARGUMENTS.has(name) && (name === "prompts" || (value !== null && !Array.isArray(value)));
}

function generate(context: Context): Reply {
  if (context.call.params["deployment"] !== context.settings.models[0]) return page(404);
  const body: JsonObject = objectOf(context.call.body);
  const { prompts } = body;
  const list = typeof prompts === "string" ? [prompts] : listOf(prompts);
  const texts = list.flatMap((each) => textOf(each) ?? []);
  const isPlain = Object.entries(body).every(([name, value]) => travels(name, value));
  if (texts.length === 0 || texts.length < list.length || !isPlain) return fail(500);
  const conversations = texts.map((each) => readPrompt(each));
  const generation = readGeneration(context, body, numberOf(body["max_new_tokens"]));
  if (conversations.some(({ promptTokens }) => isRefused(generation, promptTokens))) return fail(500);
  const turn = turnOf(
    context,
    conversations.map((each) => askOf(context, each, generation)),
  );
  const replies = turn.answers.map(({ content, finish, tokens }, at) => {
    const before = body["return_full_text"] === true ? (texts[at] ?? "") : "";
    // Flask sorts the members.
    return {
      finish_reason: finish,
      generated_length: tokens,
      generated_text: before + content.join(""),
      prompt_length: conversations[at]?.promptTokens ?? 0,
    };
  });
  return { ...text(200, "application/json", `${ascii(JSON.stringify(replies))}\n`), tokens: turn.tokens };
}
