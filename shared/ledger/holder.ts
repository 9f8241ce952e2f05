import type { Expected, Grant, Lent, Reserve, Taken } from "./messages.ts";

/** What an isolate may admit by itself, and what it knows of models. */
export type Holder = {
  requests: number;
  tokens: number;
  costNano: number;
  /** When it ends, by the isolate's own clock. */
  untilMs: number;
  readonly expected: Map<string, Expected>;
};

/** A holder of nothing. */
export const newHolder = (): Holder => ({
  requests: 0,
  tokens: 0,
  costNano: 0,
  untilMs: 0,
  expected: new Map(),
});

/** Most models of which an isolate remembers, for a key, what is to be set aside. */
const MODELS_MAX = 50;

/** Takes in what the ledger has granted and told. The time counts from when it was asked: it ends before the ledger thinks so. */
export function accept(
  holder: Holder,
  grant: Grant | undefined,
  expected: Readonly<Record<string, Expected>>,
  askedMs: number,
): void {
  if (holder.expected.size > MODELS_MAX) holder.expected.clear();
  for (const [model, each] of Object.entries(expected)) holder.expected.set(model, each);
  if (!grant) return;
  holder.requests += grant.requests;
  holder.tokens += grant.tokens;
  holder.costNano += grant.costNano;
  holder.untilMs = askedMs + grant.ttlMs;
}

/** What is left of the lease, to be told to the ledger. One that is over, or that is not worth having, is given back. */
export function leftOf(holder: Holder, isWorthIt: boolean, nowMs: number): Lent {
  if (!isWorthIt || holder.untilMs <= nowMs) holder.requests = holder.tokens = holder.costNano = 0;
  const { requests, tokens, costNano } = holder;
  return { requests, tokens, costNano };
}

/** A request by the lease, if there is room for it; undefined where the ledger has to be asked. */
export function takeOf(
  holder: Holder,
  request: { readonly id: string; readonly model: string },
  reserveOf: (expected: Expected) => Reserve,
  nowMs: number,
): Taken | undefined {
  if (holder.requests < 1 || holder.untilMs <= nowMs) return undefined;
  const expected = holder.expected.get(request.model);
  if (!expected) return undefined;
  const reserve = reserveOf(expected);
  const tokens = reserve.prompt + reserve.completion;
  if (tokens > holder.tokens || reserve.costNano > holder.costNano) return undefined;
  holder.requests -= 1;
  holder.tokens -= tokens;
  holder.costNano -= reserve.costNano;
  return { ...request, reserve };
}
