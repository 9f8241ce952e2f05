import type { Usage } from "../../../shared/contracts/common.ts";
import type { EngineCall, EngineRequest, Exchange } from "../../../shared/engines/engine.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { TICK_MS } from "../fleet/slots.ts";
import { failureResponse } from "../http/failure-response.ts";
import { aborter } from "./abort.ts";
import { type AttemptFault, lostConnection, send, timedOut } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import { answerHeaders } from "./explain.ts";
import { onAbort } from "./gone.ts";
import type { Job } from "./job.ts";
import { deadlines } from "./timeouts.ts";
import { ticking } from "./within.ts";

/** A whole answer; `text` is the engine's own, where it can go on as it is. */
type Whole<Answer> = { readonly answer: Answer; readonly text: string | undefined };

/** Serves a whole, not streamed, answer. `finish` gives the answer its last form. */
export async function serveWhole<Body extends { model: string }, Answer extends { usage?: unknown }>(
  job: Job<Body>,
  exchangeOf: (endpoint: Endpoint) => Exchange<Body, Answer> | undefined,
  finish?: (answer: Answer) => Answer,
): Promise<Response> {
  const { run } = job;
  const attempts = new Attempts(job);
  const whole = await attempts.first<Exchange<Body, Answer>, Whole<Answer>>({
    exchangeOf,
    encode: (call, exchange) => exchange.encode(call),
    attempt: (place, request, exchange, call, tick) => readWhole(job, place, request, exchange, call, tick),
  });
  if (!whole.ok) return failureResponse(run, whole.error);
  const { value, slot } = whole.value;
  slot.release("success");
  const { answer, text } = value;
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
  job: Job<Body>,
  { engine, model }: Place<Endpoint>,
  request: EngineRequest,
  exchange: Exchange<Body, Answer>,
  call: EngineCall<Body>,
  tick: () => void,
): Promise<Result<Whole<Answer>, AttemptFault>> {
  const { ports } = job.run;
  const { timeouts, leftMs } = deadlines(job.run, engine, model);
  const attempt = async (): Promise<Result<Whole<Answer>, AttemptFault>> => {
    const sent = await send(engine, request, signalOf(job, engine, call.requestId), ports.fetch);
    if (!sent.ok) return sent;
    try {
      const text = await sent.value.text();
      const json: unknown = JSON.parse(text);
      const read = exchange.answer(json, call, ports.now());
      return read.ok ? ok({ answer: read.value, text: read.value === json ? text : undefined }) : read;
    } catch (error) {
      if (!(error instanceof SyntaxError)) return err(lostConnection());
      return err({ class: "failure", status: 502, message: "its answer is not JSON" });
    }
  };
  return (await ticking(attempt(), leftMs, TICK_MS, tick)) ?? err(timedOut("answer", timeouts.totalMs));
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
