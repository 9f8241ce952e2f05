/** What a generation cost, in llama-server's two forms: `usage` and `timings`. */

export type Cost = {
  promptTokens: number;
  /** Of the prompt's tokens, those that need not be computed again. */
  cachedTokens: number;
  outputTokens: number;
  promptMs: number;
  outputMs: number;
};

export const NO_COST: Cost = { promptTokens: 0, cachedTokens: 0, outputTokens: 0, promptMs: 0, outputMs: 0 };

/** Adds what choice number `index` cost. All choices of a request have the same prompt, which is paid for once. */
export function addChoice(total: Cost, choice: Cost, index: number): Cost {
  if (index === 0) return choice;
  return {
    ...total,
    outputTokens: total.outputTokens + choice.outputTokens,
    outputMs: total.outputMs + choice.promptMs + choice.outputMs,
  };
}

export function usageBody(cost: Cost) {
  return {
    completion_tokens: cost.outputTokens,
    prompt_tokens: cost.promptTokens,
    total_tokens: cost.promptTokens + cost.outputTokens,
    prompt_tokens_details: { cached_tokens: cost.cachedTokens },
  };
}

export function timingsBody(cost: Cost) {
  const evaluated = cost.promptTokens - cost.cachedTokens;
  return {
    cache_n: cost.cachedTokens,
    prompt_n: evaluated,
    prompt_ms: cost.promptMs,
    prompt_per_token_ms: ratio(cost.promptMs, evaluated),
    prompt_per_second: ratio(evaluated * 1000, cost.promptMs),
    predicted_n: cost.outputTokens,
    predicted_ms: cost.outputMs,
    predicted_per_token_ms: ratio(cost.outputMs, cost.outputTokens),
    predicted_per_second: ratio(cost.outputTokens * 1000, cost.outputMs),
  };
}

const ratio = (amount: number, per: number): number => (per > 0 ? amount / per : 0);
