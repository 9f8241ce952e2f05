/** One generation: takes a slot, runs the model in it, and yields text that is safe to send. */
import type { GenerateRequest, LanguageModel } from "../model/port.ts";
import type { LogprobBody } from "../protocol/logprobs.ts";
import { logprobBody } from "../protocol/logprobs.ts";
import { StopFilter } from "../protocol/stop-filter.ts";
import { TokenText } from "../protocol/token-text.ts";
import type { Cost } from "../protocol/usage.ts";
import { NO_COST } from "../protocol/usage.ts";
import type { Metrics } from "./metrics.ts";
import type { Lease } from "./slots.ts";

export type GenerationJob = GenerateRequest & { outputTokensMax: number; stop: readonly string[] };

export type Piece = { text: string; logprobs: LogprobBody[] };

export type Ending = {
  /** `aborted`: nobody waits for the answer any more. */
  reason: "end_of_turn" | "stop_string" | "length" | "aborted";
  stoppedBy?: string;
  cost: Cost;
};

export type GenerationPorts = { model: LanguageModel; metrics: Metrics; nowMs: () => number };

/** Runs `job` in the slot; the caller releases it. Pieces are empty only where they carry log probabilities. */
export async function* generate(
  ports: GenerationPorts,
  { state }: Lease,
  job: GenerationJob,
  signal: AbortSignal,
): AsyncGenerator<Piece, Ending> {
  const { model, metrics, nowMs } = ports;
  const text = new TokenText((tokens, before) => model.detokenize(tokens, before));
  const stops = new StopFilter(job.stop);
  const logprobs = new HeldLogprobs();
  // A request must leave room for its answer: the context never shifts, it ends.
  const outputTokensMax = Math.min(job.outputTokensMax, model.card.contextTokens - job.prompt.length);
  let cost: Cost = { ...NO_COST, promptTokens: job.prompt.length };
  const startedMs = nowMs();
  let promptDoneMs = startedMs;
  let ending: Omit<Ending, "cost"> = { reason: "aborted" };
  try {
    for await (const event of model.generate(state.id, job, signal)) {
      if (event.kind === "prompt") {
        promptDoneMs = nowMs();
        cost = { ...cost, cachedTokens: event.cachedTokens, promptMs: promptDoneMs - startedMs };
        Object.assign(state, { cachedTokens: event.cachedTokens, remainingTokens: outputTokensMax });
        if (outputTokensMax > 0) continue;
        ending = { reason: "length" };
        break;
      }
      metrics.decoded();
      cost = { ...cost, outputTokens: cost.outputTokens + 1, outputMs: nowMs() - promptDoneMs };
      Object.assign(state, {
        outputTokens: cost.outputTokens,
        remainingTokens: outputTokensMax - cost.outputTokens,
      });
      if (event.end) {
        ending = { reason: "end_of_turn" };
        break;
      }
      const piece = text.push(event.token);
      const released = stops.push(piece);
      if (event.logprob !== undefined) logprobs.hold(logprobBody(model, event), piece.length);
      const ready = logprobs.release(released.text.length);
      if (released.text || ready.length > 0) yield { text: released.text, logprobs: ready };
      if (released.stoppedBy !== undefined) {
        ending = { reason: "stop_string", stoppedBy: released.stoppedBy };
        break;
      }
      if (cost.outputTokens >= outputTokensMax) {
        ending = { reason: "length" };
        break;
      }
    }
    if (ending.reason === "end_of_turn" || ending.reason === "length") {
      const last = stops.push(text.flush());
      if (last.stoppedBy !== undefined) ending = { reason: "stop_string", stoppedBy: last.stoppedBy };
      const rest = last.text + stops.flush();
      const ready = logprobs.release(Infinity);
      if (rest || ready.length > 0) yield { text: rest, logprobs: ready };
    }
    return { ...ending, cost };
  } finally {
    metrics.finished(cost);
  }
}

/** Log probabilities go out with their text: those of a stop string, or of a character's first bytes, wait for it. */
class HeldLogprobs {
  #held: Array<{ body: LogprobBody; length: number }> = [];
  #credit = 0;

  hold(body: LogprobBody, length: number): void {
    this.#held.push({ body, length });
  }

  /** Those whose text is out, now that `length` more characters are. */
  release(length: number): LogprobBody[] {
    this.#credit += length;
    const ready: LogprobBody[] = [];
    for (let first = this.#held[0]; first && first.length <= this.#credit; first = this.#held[0]) {
      this.#credit -= first.length;
      ready.push(first.body);
      this.#held.shift();
    }
    return ready;
  }
}
