/** Log probabilities as llama-server reports them: of the model's raw distribution, before any sampler. */
import type { GenerationEvent, LanguageModel, Token } from "../model/port.ts";

export type TokenLogprobBody = { id: Token; token: string; bytes: number[]; logprob: number };
export type LogprobBody = TokenLogprobBody & { top_logprobs: TokenLogprobBody[] };

/** llama-server writes the lowest float for a probability of 0, because JSON has no -Infinity. */
const LOWEST_FLOAT = -3.4028234663852886e38;

export function logprobBody(model: LanguageModel, event: GenerationEvent & { kind: "token" }): LogprobBody {
  const { token, logprob = -Infinity, top = [] } = event;
  return {
    ...tokenBody(model, token, logprob),
    top_logprobs: top.map((each) => tokenBody(model, each.token, each.logprob)),
  };
}

function tokenBody(model: LanguageModel, token: Token, logprob: number): TokenLogprobBody {
  const text = model.detokenize([token]);
  return { id: token, token: text, bytes: [...Buffer.from(text)], logprob: Math.max(logprob, LOWEST_FLOAT) };
}
