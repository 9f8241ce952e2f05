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
import { estimateChatTokens, estimatePromptTokens } from "../../../shared/engines/estimate.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import { closeBrokenStream } from "../../../shared/streams/close-event.ts";
import { SSE_KEEP_ALIVE } from "../../../shared/streams/sse.ts";
import type { Endpoint } from "../fleet.ts";
import { failureResponse } from "../http/failure-response.ts";
import type { Run } from "../run.ts";
import { type AttemptFault, failureOf, lostConnection, send, timedOut, unreachable } from "./attempt.ts";
import { type ClientPipe, type Relayed, relayStream, write } from "./drive.ts";
import { type OpenedStream, openStream } from "./open-stream.ts";
import { timeoutsOf } from "./timeouts.ts";
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

type Try<T> = (place: Place<Endpoint>, request: EngineRequest) => Promise<Result<T, AttemptFault>>;

const callOf = <Body>(job: Job<Body>, { engine, model }: Place<Endpoint>): EngineCall<Body> => ({
  body: job.body,
  text: job.text,
  engine: engine.id,
  model,
  requestId: job.run.id,
});

/**
 * Asks the places in turn until one answers. A caller's mistake ends it: another engine would say the same. Everything
 * that went wrong on the way is in the run's attempts.
 */
async function firstAnswer<Body extends { model: string }, T>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => Exchange<Body, unknown>,
  attempt: Try<T>,
): Promise<Result<T, Failure>> {
  const { run, places, body } = job;
  let refusal: Failure | undefined;
  let last: { fault: AttemptFault; engine: string } | undefined;
  for (const place of places) {
    const { engine } = place;
    const encoded = exchangeOf(engine).encode(callOf(job, place));
    if (!encoded.ok) {
      // Another engine of the model may be able to do it.
      refusal ??= encoded.error;
      continue;
    }
    run.engine = engine.id;
    const answer = await attempt(place, encoded.value);
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
      return err(failureOf(fault, engine.id, body.model));
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
  if (last.fault.message === unreachable().message)
    return err({
      kind: "engines_unavailable",
      model: body.model,
      attempts: run.attempts,
      retryAfterMs: 5_000,
    });
  return err(failureOf(last.fault, last.engine, body.model));
}

/** A whole answer; `text` is the engine's own, where it can go on as it is. */
type Whole<Answer> = { readonly answer: Answer; readonly text: string | undefined };

/** Serves a whole, not streamed, answer. `finish` gives the answer its last form. */
export async function serveWhole<Body extends { model: string }, Answer extends { usage?: unknown }>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => Exchange<Body, Answer>,
  finish?: (answer: Answer) => Answer,
): Promise<Response> {
  const { run } = job;
  const whole = await firstAnswer<Body, Whole<Answer>>(job, exchangeOf, (place, request) =>
    readWhole(job, place, request, exchangeOf(place.engine)),
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
  const { totalMs } = timeoutsOf(place.engine, ports.config);
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
  return (await within(attempt(), totalMs)) ?? err(timedOut("answer", totalMs));
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
    promptTokens,
  };
  const opening = firstAnswer<Body, OpenedStream>(job, exchangeOf, ({ engine }, request) =>
    openStream({
      endpoint: engine,
      request,
      format: exchangeOf(engine).stream,
      writer,
      options,
      timeouts: timeoutsOf(engine, ports.config),
      fetch: ports.fetch,
      clientGone,
    }),
  );
  // The headers wait for the first good event, but not for ever: from then on comments keep the way open, and what
  // goes wrong is told inside the stream.
  const begun = await within(opening, keepAliveMs);
  if (begun && !begun.ok) return failureResponse(run, begun.error);
  const pipe = new IdentityTransformStream();
  run.streams();
  const client = { writable: pipe.writable, gone: clientGone, defer: run.defer };
  const opened = begun ? Promise.resolve(begun) : keepAliveUntil(opening, client, keepAliveMs);
  run.defer(drive(job, opened, client, keepAliveMs, promptTokens));
  return new Response(pipe.readable, { headers: { ...STREAM_HEADERS, "x-request-id": run.id } });
}

/** Carries a stream to its end and tells the client, and the run, how it ended. */
async function drive<Body extends { model: string }>(
  job: Job<Body>,
  opening: Promise<Result<OpenedStream, Failure>>,
  client: ClientPipe,
  keepAliveMs: number | undefined,
  promptTokens: () => number,
): Promise<void> {
  const { run } = job;
  const opened = await opening;
  let relayed: Relayed = { outcome: "broken", fault: unreachable(), sent: "" };
  let failure: Failure | undefined;
  if (opened.ok) {
    run.firstToken();
    relayed = await relayStream(opened.value, client, keepAliveMs, run.startedMs);
    run.usage = usageOf(opened.value.stage.tally, promptTokens);
    if (relayed.outcome === "broken")
      failure = failureOf(relayed.fault, opened.value.endpoint.id, job.body.model);
  } else {
    failure = opened.error;
  }
  if (client.gone.aborted) relayed = { outcome: "client_gone" };
  if (relayed.outcome === "broken" && failure) {
    run.error = failure.kind;
    if (!relayed.told)
      await write(client.writable, closeBrokenStream(relayed.sent, reportFailure(failure).body));
  }
  run.outcome =
    relayed.outcome === "broken"
      ? failure?.kind === "engine_timeout"
        ? "timeout"
        : "engine_failed"
      : relayed.outcome;
  await client.writable.close().catch(() => undefined);
  run.finish(200);
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
