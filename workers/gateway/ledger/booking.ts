import type { Booking } from "../../../shared/ledger/messages.ts";
import { costNanoOf } from "../../../shared/usage/price.ts";
import type { Run } from "../run.ts";

/**
 * What a request is booked with, when nothing more will come. A client that left before the engine had told anything has had
 * its prompt read; what failed without an answer has used nothing.
 */
export function bookingOf(run: Run): Booking | null {
  const { usage, admission } = run;
  const { queue: queueMs, engine: engineMs, overhead: overheadMs } = run.spentMs();
  const isLeft = run.outcome === "client_gone" || run.error === "client_gone";
  if (!usage && !(isLeft && run.attemptCount > 0)) return null;
  const tokens = {
    promptTokens: usage?.prompt_tokens ?? admission?.promptTokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
  };
  return {
    model: run.modelId ?? "",
    engine: run.engine ?? "",
    ...tokens,
    reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
    estimated: !usage || usage.estimated === true,
    costNano: costNanoOf(run.price, tokens, engineMs),
    queueMs,
    engineMs,
    overheadMs,
  };
}
