import {
  type ChunkWriter,
  type Frame,
  chatChunkWriter,
  completionChunkWriter,
} from "../../../shared/chat/chunk-writer.ts";
import type { ContinuedRelay } from "../../../shared/chat/continued-relay.ts";
import { fanOutDecoder } from "../../../shared/chat/fan-out-decoder.ts";
import { splitChoices } from "../../../shared/chat/fan-out.ts";
import { NativeFollower, type RelayOptions, translatedRelay } from "../../../shared/chat/relay.ts";
import { isFinished, usageOf } from "../../../shared/chat/tally.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import { reportFailure } from "../../../shared/contracts/error.ts";
import type { StreamFormat, StreamedExchange } from "../../../shared/engines/engine.ts";
import { countPrompts } from "../../../shared/engines/openai-dialect.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import { closeBrokenStream } from "../../../shared/streams/close-event.ts";
import { lastWords } from "../../../shared/streams/last-words.ts";
import { SSE_KEEP_ALIVE } from "../../../shared/streams/sse.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { failureResponse } from "../http/failure-response.ts";
import { failureOf } from "./attempt.ts";
import { Attempts, type Offer, type Try, inFieldsOf } from "./attempts.ts";
import { type ClientPipe, type Relayed, relayStream, write, writeBytes } from "./drive.ts";
import { answerHeaders } from "./explain.ts";
import { onAbort } from "./gone.ts";
import type { Job } from "./job.ts";
import { type OpenedStream, type Stage, openStream, stageOf } from "./open-stream.ts";
import { promptTokensOf } from "./prompt-tokens.ts";
import { requestsOf } from "./requests.ts";
import { type Seam, seamOf } from "./seam.ts";
import { deadlines } from "./timeouts.ts";
import { within } from "./within.ts";

type Body = ChatRequest | CompletionRequest;
type Exchanges<B> = (endpoint: Endpoint) => StreamedExchange<B, unknown>;
type Opened = Try<OpenedStream>;

/** How a client wants its stream. */
export type StreamWishes = {
  /** Milliseconds of silence before a comment; undefined where the client wants none. */
  readonly keepAliveMs: number | undefined;
  /** Whether another engine may go on with an answer that broke off. */
  readonly continues: boolean;
};

/** All that one streamed answer takes. */
type Streaming<B extends Body> = {
  readonly job: Job<B>;
  readonly attempts: Attempts<B>;
  readonly exchangeOf: Exchanges<B>;
  readonly options: RelayOptions;
  readonly wishes: StreamWishes;
};

/** Serves a streamed answer. */
export async function serveStream<B extends Body>(
  job: Job<B>,
  exchangeOf: Exchanges<B>,
  wishes: StreamWishes,
): Promise<Response> {
  const { run, body, clientGone } = job;
  const streaming = { job, attempts: new Attempts(job), exchangeOf, options: optionsOf(body), wishes };
  const opening = streaming.attempts.first(offerOf(streaming));
  // The headers wait for the first good event, but not for ever: from then on comments keep the way open, and what
  // goes wrong is told inside the stream.
  const begun = await within(opening, wishes.keepAliveMs);
  if (begun && !begun.ok) return failureResponse(run, begun.error);
  if (clientGone.aborted) {
    void opening.then((opened) => opened.ok && dismiss(streaming.attempts, opened.value));
    return failureResponse(run, { kind: "client_gone" });
  }
  if (run.admission) await run.admission.told;
  const pipe = new IdentityTransformStream();
  run.streams();
  const client = { writable: pipe.writable, gone: clientGone, defer: run.defer, settle: () => run.settle() };
  const opened = begun ? Promise.resolve(begun) : keepAliveUntil(opening, client, wishes.keepAliveMs);
  run.defer(drive(streaming, opened, client));
  return new Response(pipe.readable, { headers: { ...answerHeaders(run), ...STREAM_HEADERS } });
}

const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  // no-transform and X-Accel-Buffering keep proxies from gathering events.
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

function optionsOf(body: Body): RelayOptions {
  return {
    showUsage: body.stream_options?.include_usage === true,
    logprobs: "messages" in body && body.logprobs === true,
    n: body.n ?? 1,
    prompts: countPrompts(body),
    promptTokens: () => promptTokensOf(body),
  };
}

const writerFor = (body: Body, frame: Frame): ChunkWriter =>
  "messages" in body ? chatChunkWriter(frame) : completionChunkWriter(frame);

/** How the request is put to an engine: anew, or to go on behind a seam. */
function offerOf<B extends Body>(
  { job, exchangeOf, options }: Streaming<B>,
  seam?: Seam,
): Offer<B, StreamedExchange<B, unknown>, OpenedStream> {
  const { run, body, clientGone } = job;
  const { ports } = run;
  const id = `${"messages" in body ? "chatcmpl" : "cmpl"}-${run.id}`;
  const frame = { id, model: body.model, createdS: Math.floor(ports.now() / 1000) };
  const writer = () => writerFor(body, frame);
  const stageFor = (endpoint: Endpoint, format: StreamFormat): Stage =>
    seam?.stage(format) ?? stageOf(endpoint, format, body, writer, options);
  return {
    exchangeOf,
    encode: (call, exchange, engine) =>
      seam?.encode(call, exchange, engine) ?? requestsOf(call, exchange, engine),
    attempt: ({ engine, model }, requests, { stream }, { requestId }, tick) =>
      openStream({
        endpoint: engine,
        requests,
        requestId,
        translated: stream.format === "translated" || requests.length > 1,
        stage:
          requests.length > 1
            ? translatedRelay(
                fanOutDecoder(stream, splitChoices(body), countPrompts(body)),
                writer(),
                options,
              )
            : stageFor(engine, stream),
        ...deadlines(run, engine, model),
        fetch: ports.fetch,
        clientGone,
        defer: run.defer,
        tick,
      }),
  };
}

/** How a stream ended, and for one that broke off what its client has to be told behind `sent`, unless it was `told`. */
type StreamEnd =
  | { readonly outcome: "complete" | "client_gone" }
  | { readonly outcome: "broken"; readonly failure: Failure; readonly sent: string; readonly told?: boolean };

/** Carries a stream and tells the client, and the run, how it ended: whatever happens, the run ends. */
async function drive<B extends Body>(
  streaming: Streaming<B>,
  opening: Promise<Result<Opened, Failure>>,
  client: ClientPipe,
): Promise<void> {
  const { run } = streaming.job;
  const carried = carry(streaming, opening, client).catch((error: unknown): StreamEnd => {
    run.fail(error);
    return { outcome: "broken", failure: { kind: "internal" }, sent: "" };
  });
  // What was being written to a client that left may stay unwritten for ever.
  const end = (await unlessGone(carried, client.gone)) ?? { outcome: "client_gone" };
  if (end.outcome === "broken") {
    const { failure, sent, told } = end;
    run.outcome = failure.kind === "engine_timeout" ? "timeout" : "engine_failed";
    run.error = failure.kind;
    await run.settle();
    if (!told) {
      const words = write(client.writable, closeBrokenStream(sent, reportFailure(failure).body));
      await unlessGone(words, client.gone).catch(() => undefined);
    }
  } else {
    run.outcome = end.outcome;
    await run.settle();
  }
  run.finish(200);
  await client.writable.close().catch(() => undefined);
}

/**
 * Carries a stream from its opening to the last byte, over as many engines as it takes: where one breaks off and another
 * of the same model can go on, the client sees one answer.
 */
async function carry<B extends Body>(
  streaming: Streaming<B>,
  opening: Promise<Result<Opened, Failure>>,
  client: ClientPipe,
): Promise<StreamEnd> {
  const { job, attempts, options, wishes } = streaming;
  const { run, body } = job;
  const first = await opening;
  if (!first.ok && first.error.kind === "client_gone") return { outcome: "client_gone" };
  if (!first.ok) return { outcome: "broken", failure: first.error, sent: "" };
  let opened = first.value;
  let before: Seam | undefined;
  for (;;) {
    const { stage, endpoint } = opened.value;
    run.firstToken();
    run.measure(() => usageOf(stage.tally, options.promptTokens));
    const relayed = await run.spend(
      "engine",
      relayStream(opened.value, client, wishes.keepAliveMs, run.startedMs, opened.slot.tick),
    );
    if (relayed.outcome !== "broken") {
      attempts.end(opened, relayed.outcome === "complete" ? "success" : "client_fault");
      return relayed;
    }
    attempts.brokeOff(opened, relayed.fault);
    const words = lastWordsOf(streaming, stage, relayed);
    if (words !== undefined) {
      await run.settle();
      await write(client.writable, words);
      return { outcome: "complete" };
    }
    const broken = brokenEnd(relayed, stage, before);
    const end: StreamEnd = {
      ...broken,
      failure: failureOf(inFieldsOf(body, relayed.fault), endpoint.id, body.model),
    };
    const seam =
      !wishes.continues || !isMended(stage) ? undefined : seamOf(body, stage, broken, options, before);
    if (!seam?.ok) {
      run.notContinued = seam?.error;
      return end;
    }
    const next = await goOn(streaming, seam.value, client);
    run.continued(endpoint.id, next.ok ? next.value.place.engine.id : undefined);
    if (!next.ok) {
      if (next.error.kind === "client_gone") return { outcome: "client_gone" };
      return { ...end, sent: seam.value.repair?.wantsNext ? broken.sent : "" };
    }
    opened = next.value;
    before = seam.value;
  }
}

/** What ends an answer whose engine was lost behind its last word; undefined where there was more to come. */
function lastWordsOf<B extends Body>(
  { job, options }: Streaming<B>,
  stage: Stage,
  { sent }: Broken,
): string | undefined {
  const { tally } = stage;
  if (!isFinished(tally)) return undefined;
  if (!(stage instanceof NativeFollower)) return stage.closing();
  const { frame } = stage.written();
  const closing = frame && writerFor(job.body, frame).usage(usageOf(tally, options.promptTokens));
  return closing && lastWords(sent, closing, !options.showUsage || tally.usage !== undefined);
}

/** Opens the stream of the next engine, behind what is to be written before it. */
async function goOn<B extends Body>(
  streaming: Streaming<B>,
  seam: Seam,
  client: ClientPipe,
): Promise<Result<Opened, Failure>> {
  const rest = seam.repair && !seam.repair.wantsNext ? seam.repair.finish("") : undefined;
  if (rest) await writeBytes(client.writable, rest.bytes);
  const opening = streaming.attempts.first(offerOf(streaming, seam));
  // Within an event there is no place for a comment.
  if (seam.repair?.wantsNext) return opening;
  const { keepAliveMs } = streaming.wishes;
  return (await within(opening, keepAliveMs)) ?? keepAliveUntil(opening, client, keepAliveMs);
}

type Broken = Extract<Relayed, { outcome: "broken" }>;

/** A relay that was to complete an event, and did not come to it, leaves the event as it was. */
const brokenEnd = (relayed: Broken, stage: Stage, before: Seam | undefined): Broken =>
  isMended(stage) ? relayed : { ...relayed, sent: before?.cut ?? "" };

const isMended = (stage: Stage): boolean =>
  stage instanceof NativeFollower || !("isMended" in stage) || (stage as ContinuedRelay).isMended();

/** Ends a stream that nobody is there for. */
function dismiss<B extends Body>(attempts: Attempts<B>, opened: Opened): void {
  opened.value.abort();
  attempts.end(opened, "client_fault");
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
