import { chatChunkWriter, completionChunkWriter } from "../../../shared/chat/chunk-writer.ts";
import { usageOf } from "../../../shared/chat/tally.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { Usage } from "../../../shared/contracts/common.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import { reportFailure } from "../../../shared/contracts/error.ts";
import type {
  EngineCall,
  EngineRequest,
  Exchange,
  StreamedExchange,
} from "../../../shared/engines/engine.ts";
import { countPrompts } from "../../../shared/engines/openai-dialect.ts";
import { estimateChatTokens, estimatePromptTokens } from "../../../shared/engines/estimate.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import { closeBrokenStream } from "../../../shared/streams/close-event.ts";
import { SSE_KEEP_ALIVE } from "../../../shared/streams/sse.ts";
import type { Endpoint } from "../fleet.ts";
import { failureResponse } from "../http/failure-response.ts";
import type { Run } from "../run.ts";
import { type AttemptFault, failureOf, lostConnection, send, timedOut } from "./attempt.ts";
import { type ClientPipe, relayStream, write } from "./drive.ts";
import { onAbort } from "./gone.ts";
import { type OpenedStream, openStream } from "./open-stream.ts";
import { type Timeouts, timeoutsOf } from "./timeouts.ts";
import { within } from "./within.ts";

/** A request that is known to be well formed, and the places that serve its model, best first. */
export type Job<Body> = {
  readonly run: Run;
  readonly body: Body;
  readonly text: string;
  readonly places: readonly Place<Endpoint>[];
  readonly clientGone: AbortSignal;
};

const outcomeOf = (fault: AttemptFault): string => (fault.timeout ? "timeout" : fault.class);

type Try<T, E> = (
  place: Place<Endpoint>,
  request: EngineRequest,
  exchange: E,
) => Promise<Result<T, AttemptFault>>;

const callOf = <Body>(job: Job<Body>, { engine, model }: Place<Endpoint>): EngineCall<Body> => ({
  body: job.body,
  text: job.text,
  engine: engine.id,
  model,
  requestId: job.run.id,
});

/** An overflow of the context is about the field that holds the text, which depends on the operation. */
function inFieldsOf(body: object, fault: AttemptFault): AttemptFault {
  if (fault.code !== "context_length_exceeded") return fault;
  return { ...fault, param: ["messages", "prompt"].find((name) => name in body) ?? "input" };
}

/**
 * Asks the places in turn until one answers. A caller's mistake ends it: another engine would say the same. Everything
 * that went wrong on the way is in the run's attempts.
 */
async function firstAnswer<Body extends { model: string }, T, E extends Exchange<Body, unknown>>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => E | undefined,
  attempt: Try<T, E>,
): Promise<Result<T, Failure>> {
  const { run, places, body } = job;
  let refusal: Failure | undefined;
  let last: { fault: AttemptFault; engine: string } | undefined;
  for (const place of places) {
    const { engine } = place;
    const exchange = exchangeOf(engine);
    const encoded = exchange ? exchange.encode(callOf(job, place)) : notOffered(engine);
    if (!exchange || !encoded.ok) {
      // Another engine of the model may be able to do it.
      if (!encoded.ok) refusal ??= encoded.error;
      continue;
    }
    run.engine = engine.id;
    const answer = await attempt(place, encoded.value, exchange);
    const gone = !answer.ok && job.clientGone.aborted;
    run.ports.metrics.add("eco_engine_attempts_total", {
      engine: engine.id,
      outcome: answer.ok ? "answered" : gone ? "client_gone" : outcomeOf(answer.error),
    });
    if (answer.ok) return answer;
    if (gone) return err({ kind: "client_gone" });
    const fault = answer.error;
    last = { fault, engine: engine.id };
    run.attempts.push({ engine: engine.id, reason: fault.message });
    // The time that an answer may take is spent, or another engine would say the same.
    if (fault.timeout === "answer" || fault.class === "client_fault")
      return err(failureOf(inFieldsOf(body, fault), engine.id, body.model));
    if (fault.class === "failure" && !fault.timeout) engine.reachable = false;
  }
  if (!last)
    return err(
      refusal ?? {
        kind: "engines_unavailable",
        model: body.model,
        attempts: run.attempts,
        retryAfterMs: 5_000,
      },
    );
  // Nobody was there at all: that is about the fleet, not about one engine's failure.
  if (last.fault.unreachable)
    return err({
      kind: "engines_unavailable",
      model: body.model,
      attempts: run.attempts,
      retryAfterMs: 5_000,
    });
  return err(failureOf(inFieldsOf(body, last.fault), last.engine, body.model));
}

const notOffered = ({ id, adapter }: Endpoint) =>
  err({
    kind: "unsupported",
    param: "model",
    engine: id,
    message: `This operation is not offered by ${adapter.label} (engine \`${id}\`).`,
  } as const);

/** How long an engine may take, and what of the whole answer's time is left. */
function deadlines({ ports, startedMs }: Run, engine: Endpoint): { timeouts: Timeouts; leftMs: number } {
  const timeouts = timeoutsOf(engine, ports.config);
  return { timeouts, leftMs: Math.max(0, timeouts.totalMs - (ports.now() - startedMs)) };
}

/** A whole answer; `text` is the engine's own, where it can go on as it is. */
type Whole<Answer> = { readonly answer: Answer; readonly text: string | undefined };

/** Serves a whole, not streamed, answer. `finish` gives the answer its last form. */
export async function serveWhole<Body extends { model: string }, Answer extends { usage?: unknown }>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => Exchange<Body, Answer> | undefined,
  finish?: (answer: Answer) => Answer,
): Promise<Response> {
  const { run } = job;
  const whole = await firstAnswer<Body, Whole<Answer>, Exchange<Body, Answer>>(
    job,
    exchangeOf,
    (place, request, exchange) => readWhole(job, place, request, exchange),
  );
  if (!whole.ok) return failureResponse(run, whole.error);
  const { answer, text } = whole.value;
  // Embeddings have no completion tokens, and their usage does not say so.
  run.usage = { completion_tokens: 0, ...(answer.usage as Partial<Usage>) } as Usage;
  const json = finish || text === undefined ? JSON.stringify(finish ? finish(answer) : answer) : text;
  return new Response(json, { headers: { "content-type": "application/json", "x-request-id": run.id } });
}

/**
 * Reads a whole answer. The client's own signal ends the request to the engine: a controller of ours would cost more
 * than the rest of this function. An answer that comes too late is not waited for, and its request ends with ours.
 */
async function readWhole<Body, Answer>(
  job: Job<Body>,
  place: Place<Endpoint>,
  request: EngineRequest,
  exchange: Exchange<Body, Answer>,
): Promise<Result<Whole<Answer>, AttemptFault>> {
  const { ports } = job.run;
  const { timeouts, leftMs } = deadlines(job.run, place.engine);
  const attempt = async (): Promise<Result<Whole<Answer>, AttemptFault>> => {
    const sent = await send(place.engine, request, job.clientGone, ports.fetch);
    if (!sent.ok) return sent;
    try {
      const text = await sent.value.text();
      const json: unknown = JSON.parse(text);
      const read = exchange.answer(json, callOf(job, place), ports.now());
      return read.ok ? ok({ answer: read.value, text: read.value === json ? text : undefined }) : read;
    } catch (error) {
      if (!(error instanceof SyntaxError)) return err(lostConnection());
      return err({ class: "failure", status: 502, message: "its answer is not JSON" });
    }
  };
  return (await within(attempt(), leftMs)) ?? err(timedOut("answer", timeouts.totalMs));
}

const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform and X-Accel-Buffering keep proxies from gathering events.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Serves a streamed answer. */
export async function serveStream<Body extends ChatRequest | CompletionRequest>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => StreamedExchange<Body, unknown>,
  keepAliveMs: number | undefined,
): Promise<Response> {
  const { run, body, clientGone } = job;
  const { ports } = run;
  const frame = { id: "", model: body.model, createdS: Math.floor(ports.now() / 1000) };
  const writer =
    "messages" in body
      ? chatChunkWriter({ ...frame, id: `chatcmpl-${run.id}` })
      : completionChunkWriter({ ...frame, id: `cmpl-${run.id}` });
  const promptTokens = () =>
    "messages" in body
      ? estimateChatTokens((body as ChatRequest).messages)
      : estimatePromptTokens((body as CompletionRequest).prompt);
  const options = {
    showUsage: body.stream_options?.include_usage === true,
    logprobs: "messages" in body && body.logprobs === true,
    n: body.n ?? 1,
    prompts: countPrompts(body),
    promptTokens,
  };
  const opening = firstAnswer(job, exchangeOf, ({ engine }, request, { stream }) =>
    openStream({
      endpoint: engine,
      request,
      format: stream,
      body,
      writer,
      options,
      ...deadlines(run, engine),
      fetch: ports.fetch,
      clientGone,
    }),
  );
  // The headers wait for the first good event, but not for ever: from then on comments keep the way open, and what
  // goes wrong is told inside the stream.
  const begun = await within(opening, keepAliveMs);
  if (begun && !begun.ok) return failureResponse(run, begun.error);
  if (clientGone.aborted) return failureResponse(run, { kind: "client_gone" });
  const pipe = new IdentityTransformStream();
  run.streams();
  const client = { writable: pipe.writable, gone: clientGone, defer: run.defer };
  const opened = begun ? Promise.resolve(begun) : keepAliveUntil(opening, client, keepAliveMs);
  run.defer(drive(job, opened, client, keepAliveMs, promptTokens));
  return new Response(pipe.readable, { headers: { ...STREAM_HEADERS, "x-request-id": run.id } });
}

/** How a stream ended, and for one that broke off what its client has to be told behind `sent`, unless it was `told`. */
type StreamEnd =
  | { readonly outcome: "complete" | "client_gone" }
  | { readonly outcome: "broken"; readonly failure: Failure; readonly sent: string; readonly told?: boolean };

/** Carries a stream and tells the client, and the run, how it ended: whatever happens, the run ends. */
async function drive<Body extends { model: string }>(
  job: Job<Body>,
  opening: Promise<Result<OpenedStream, Failure>>,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  promptTokens: () => number,
): Promise<void> {
  const { run } = job;
  const carried = carry(job, opening, client, keepAliveMs, promptTokens).catch(
    (error: unknown): StreamEnd => {
      run.fail(error);
      return { outcome: "broken", failure: { kind: "internal" }, sent: "" };
    },
  );
  // What was being written to a client that left may stay unwritten for ever.
  const end = (await unlessGone(carried, client.gone)) ?? { outcome: "client_gone" };
  if (end.outcome === "broken") {
    const { failure, sent, told } = end;
    run.outcome = failure.kind === "engine_timeout" ? "timeout" : "engine_failed";
    run.error = failure.kind;
    if (!told) {
      const words = write(client.writable, closeBrokenStream(sent, reportFailure(failure).body));
      await unlessGone(words, client.gone).catch(() => undefined);
    }
  } else run.outcome = end.outcome;
  run.finish(200);
  await client.writable.close().catch(() => undefined);
}

/** Carries a stream from its opening to the engine's last byte, and says how it ended. */
async function carry<Body extends { model: string }>(
  { run, body }: Job<Body>,
  opening: Promise<Result<OpenedStream, Failure>>,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  promptTokens: () => number,
): Promise<StreamEnd> {
  const opened = await opening;
  if (!opened.ok && opened.error.kind === "client_gone") return { outcome: "client_gone" };
  if (!opened.ok) return { outcome: "broken", failure: opened.error, sent: "" };
  const { stage, endpoint } = opened.value;
  run.firstToken();
  run.measure(() => usageOf(stage.tally, promptTokens));
  const relayed = await relayStream(opened.value, client, keepAliveMs, run.startedMs);
  if (relayed.outcome !== "broken") return relayed;
  return { ...relayed, failure: failureOf(inFieldsOf(body, relayed.fault), endpoint.id, body.model) };
}

/** Time that a stream has to end by itself when its client has left, in milliseconds. */
const LEAVE_MS = 500;

/** What `work` gives; undefined where the client left and `work` goes on all the same. */
function unlessGone<T>(work: Promise<T>, gone: AbortSignal): Promise<T | undefined> {
  const left = new Promise<void>((resolve) => onAbort(gone, resolve));
  return Promise.race([work, left.then(() => within(work, LEAVE_MS))]);
}

/** Writes a comment now and then until the stream has begun. */
async function keepAliveUntil<T>(
  opening: Promise<T>,
  client: ClientPipe,
  keepAliveMs: number | undefined,
): Promise<T> {
  for (;;) {
    await write(client.writable, SSE_KEEP_ALIVE);
    const begun = await within(opening, keepAliveMs);
    if (begun !== undefined) return begun;
  }
}
