import type { ChunkWriter } from "../../../shared/chat/chunk-writer.ts";
import {
  NativeFollower,
  type Relay,
  type RelayOptions,
  choicesOf,
  exactRelay,
  translatedRelay,
} from "../../../shared/chat/relay.ts";
import { faultOf } from "../../../shared/chat/tally.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import type { EngineRequest, StreamFormat } from "../../../shared/engines/engine.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { TICK_MS } from "../fleet/slots.ts";
import type { Defer } from "../defer.ts";
import { aborter } from "./abort.ts";
import { chained } from "./chained.ts";
import { type AttemptFault, errorText, send, timedOut, unreachable } from "./attempt.ts";
import { feed } from "./feed.ts";
import { onAbort } from "./gone.ts";
import type { Timeouts } from "./timeouts.ts";
import { ticking } from "./within.ts";

/** An engine's stream whose first event is known to be good: what was read of it, and the rest. */
export type OpenedStream = {
  readonly stage: Stage;
  /** To be written to the client before anything of `rest`. */
  readonly first: readonly (string | Uint8Array)[];
  readonly rest: ReadableStream<Uint8Array>;
  /** Closes the connection to the engine, which ends its generation. */
  readonly abort: () => void;
  readonly endpoint: Endpoint;
  readonly timeouts: Timeouts;
};

/** What reads an engine's stream: beside the client, or before it. */
export type Stage = NativeFollower | Relay;

/** All that opening a stream takes. */
export type StreamCall = {
  readonly endpoint: Endpoint;
  /** One, or one for each choice: then the streams come one after the other, in pieces with heads. */
  readonly requests: readonly EngineRequest[];
  readonly requestId: string;
  /** Whether the engine speaks a format of its own, of another content type. */
  readonly translated: boolean;
  readonly stage: Stage;
  readonly timeouts: Timeouts;
  /** Milliseconds that are left of the time that the whole answer may take. */
  readonly leftMs: number;
  readonly fetch: typeof fetch;
  /** Whoever leaves takes the engine's generation along, in every phase. */
  readonly clientGone: AbortSignal;
  readonly defer: Defer;
  /** Called now and then, for the wait may be long. */
  readonly tick: () => void;
};

/** What reads an engine's stream as its format and the request want it. */
export function stageOf(
  endpoint: Endpoint,
  format: StreamFormat,
  body: ChatRequest | CompletionRequest,
  writer: () => ChunkWriter,
  options: RelayOptions,
): Stage {
  if (format.format === "translated") return translatedRelay(format.decoder(body), writer(), options);
  const choices = choicesOf(options);
  const asked = { usage: options.showUsage, logprobs: options.logprobs ?? false, choices };
  // A connection that is closed natively, with its client's, would be gone before an engine's own abort call has come.
  const mode = endpoint.adapter.abort ? "exact" : (endpoint.config.relay ?? format.relay(asked));
  return mode === "native" ? new NativeFollower(format.rules, choices) : exactRelay(format.rules, options);
}

/**
 * Sends a request and waits for the first event that is part of an answer. Several engines answer 200 and then say
 * that they cannot: until that event, nothing has gone to the client and another engine can still be asked.
 */
export async function openStream(call: StreamCall): Promise<Result<OpenedStream, AttemptFault>> {
  const { endpoint, requestId, timeouts, leftMs, clientGone } = call;
  const controller = new AbortController();
  const close = () => controller.abort();
  const abort = aborter(endpoint, requestId, close, call.fetch, call.defer);
  onAbort(clientGone, abort);
  const opened = await ticking(
    begin(call, controller.signal, abort),
    Math.min(timeouts.firstByteMs, leftMs),
    TICK_MS,
    call.tick,
  );
  if (opened?.ok) return opened;
  abort();
  if (opened) return opened;
  return err(
    leftMs <= timeouts.firstByteMs
      ? timedOut("answer", timeouts.totalMs)
      : timedOut("first byte", timeouts.firstByteMs),
  );
}

async function begin(
  call: StreamCall,
  signal: AbortSignal,
  abort: () => void,
): Promise<Result<OpenedStream, AttemptFault>> {
  const { endpoint, timeouts, stage } = call;
  const [request, ...later] = call.requests;
  if (!request) return err(unreachable());
  const sent = await send(endpoint, request, signal, call.fetch);
  if (!sent.ok) return sent;
  const open = (each: EngineRequest) => send(endpoint, each, signal, call.fetch);
  const body = later.length > 0 ? chained(sent.value, later, open) : sent.value.body;
  const contentType = sent.value.headers.get("content-type") ?? "";
  const isStream = call.translated ? !contentType.includes("html") : !/json|html/.test(contentType);
  if (!body || !isStream) {
    const { message } = endpoint.adapter.classify(502, await errorText(sent.value), undefined);
    return err({ class: "failure", status: 502, message: `answered without a stream: ${message}` });
  }
  const first: (string | Uint8Array)[] = [];
  const reader = body.getReader();
  for (;;) {
    const next = await reader.read().catch(() => undefined);
    if (!next) return err(unreachable());
    const { done, value } = next;
    const out = feed(stage, value);
    const { tally } = stage;
    if (tally.fault || ((done || tally.done) && !tally.begun)) return err(faultOf(tally));
    if (!done) first.push(out ?? value);
    else if (typeof out === "string" && !(stage instanceof NativeFollower)) first.push(out);
    if (done || tally.begun) break;
  }
  reader.releaseLock();
  return ok({ stage, first, rest: body, abort, endpoint, timeouts });
}
