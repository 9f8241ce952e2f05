import type { Usage } from "../../../shared/contracts/common.ts";
import { answerChoices } from "../../../shared/chat/fan-out.ts";
import type { AtLeastOne } from "../../../shared/chat/join-answers.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import type {
  EngineCall,
  EngineRequest,
  Exchange,
  StreamedExchange,
} from "../../../shared/engines/engine.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { TICK_MS } from "../fleet/slots.ts";
import { failureResponse } from "../http/failure-response.ts";
import { aborter } from "./abort.ts";
import { type AttemptFault, lostConnection, send, timedOut } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { answerHeaders } from "./explain.ts";
import { readAssembled } from "./assembled.ts";
import { onAbort } from "./gone.ts";
import { requestsOf } from "./requests.ts";
import type { Job } from "./job.ts";
import { deadlines } from "./timeouts.ts";
import { ticking } from "./within.ts";

/** A whole answer; `text` is the engine's own, where it can go on as it is. */
type Whole<Answer> = { readonly answer: Answer; readonly text: string | undefined };

/** An exchange, and how it is streamed where it can be. */
type WholeExchange<Body, Answer> = Exchange<Body, Answer> &
  Partial<Pick<StreamedExchange<Body, Answer>, "stream" | "assembled">>;

/** What becomes of an answer: its last form, and how those to several choices are made one. */
export type WholeWishes<Answer> = {
  readonly finish?: (answer: Answer) => unknown;
  readonly join?: (answers: AtLeastOne<Answer>) => Answer;
};

/** Serves a whole, not streamed, answer. */
export async function serveWhole<Body extends { model: string }, Answer extends { usage?: unknown }>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => WholeExchange<Body, Answer> | undefined,
  { finish, join }: WholeWishes<Answer> = {},
): Promise<Response> {
  const { run } = job;
  const attempts = new Attempts(job);
  const whole = await attempts.first<WholeExchange<Body, Answer>, Whole<Answer>>({
    exchangeOf,
    encode: requestsOf,
    attempt: (place, requests, exchange, call, tick) =>
      readWhole({ job, place, exchange, call, join }, requests, tick),
  });
  if (!whole.ok) return failureResponse(run, whole.error);
  attempts.end(whole.value, "success");
  const { answer, text } = whole.value.value;
  // Embeddings have no completion tokens, and their usage does not say so.
  run.usage = { completion_tokens: 0, ...(answer.usage as Partial<Usage>) } as Usage;
  const json = finish || text === undefined ? JSON.stringify(finish ? finish(answer) : answer) : text;
  return new Response(json, { headers: answerHeaders(run, "application/json") });
}

/**
 * Reads a whole answer. The client's own signal ends the request to the engine, where closing the connection is enough:
 * a controller of ours would cost more than the rest of this function. An answer that comes too late is not waited
 * for, and its request ends with ours.
 */
async function readWhole<Body, Answer>(
  reading: Reading<Body, Answer>,
  requests: readonly EngineRequest[],
  tick: () => void,
): Promise<Result<Whole<Answer>, AttemptFault>> {
  const { job, place } = reading;
  const { timeouts, leftMs } = deadlines(job.run, place.engine, place.model);
  const read = readAnswer(reading, requests);
  return (await ticking(read, leftMs, TICK_MS, tick)) ?? err(timedOut("answer", timeouts.totalMs));
}

type Reading<Body, Answer> = {
  readonly job: Job<Body>;
  readonly place: Place<Endpoint>;
  readonly exchange: WholeExchange<Body, Answer>;
  readonly call: EngineCall<Body>;
  readonly join: ((answers: AtLeastOne<Answer>) => Answer) | undefined;
};

async function readAnswer<Body, Answer>(
  { job, place: { engine }, exchange, call, join }: Reading<Body, Answer>,
  requests: readonly EngineRequest[],
): Promise<Result<Whole<Answer>, AttemptFault>> {
  const { ports, id } = job.run;
  const signal = signalOf(job, engine, call.requestId);
  const { fetch } = ports;
  if (exchange.assembled && exchange.stream?.format === "translated") {
    const body = job.body as unknown as ChatRequest | CompletionRequest;
    const assembling = { engine, body, runId: id, nowMs: ports.now(), signal, fetch };
    const read = await readAssembled(assembling, requests, exchange.stream);
    return read.ok ? ok({ answer: read.value as unknown as Answer, text: undefined }) : read;
  }
  const [only] = requests;
  if (requests.length === 1 && only) {
    const got = await fetchJson(engine, only, signal, fetch);
    if (!got.ok) return got;
    const { json, text } = got.value;
    const read = exchange.answer(json, call, ports.now());
    return read.ok ? ok({ answer: read.value, text: read.value === json ? text : undefined }) : read;
  }
  const jsons: unknown[] = [];
  for (const request of requests) {
    const got = await fetchJson(engine, request, signal, fetch);
    if (!got.ok) return got;
    jsons.push(got.value.json);
  }
  if (!join) throw new Error("several requests, and nothing to make one answer of theirs");
  const joined = answerChoices(
    exchange as Exchange<ChatRequest, Answer>,
    call as unknown as EngineCall<ChatRequest>,
    jsons,
    ports.now(),
    join,
  );
  return joined.ok ? ok({ answer: joined.value, text: undefined }) : joined;
}

async function fetchJson(
  engine: Endpoint,
  request: EngineRequest,
  signal: AbortSignal,
  fetch: typeof globalThis.fetch,
): Promise<Result<{ readonly json: unknown; readonly text: string }, AttemptFault>> {
  const sent = await send(engine, request, signal, fetch);
  if (!sent.ok) return sent;
  try {
    const text = await sent.value.text();
    return ok({ json: JSON.parse(text) as unknown, text });
  } catch (error) {
    if (!(error instanceof SyntaxError)) return err(lostConnection());
    return err({ class: "failure", status: 502, message: "its answer is not JSON" });
  }
}

/** What ends the request to the engine when the client leaves. */
function signalOf<Body>({ run, clientGone }: Job<Body>, engine: Endpoint, requestId: string): AbortSignal {
  if (!engine.adapter.abort) return clientGone;
  const controller = new AbortController();
  onAbort(
    clientGone,
    aborter(engine, requestId, () => controller.abort(), run.ports.fetch, run.defer),
  );
  return controller.signal;
}
