import type { LimitName, Standing } from "./check.ts";

/** A refusal, as callers are told of it. */
type Refused = {
  readonly scope: "key" | "workspace";
  readonly limit: LimitName;
  readonly max: number;
  readonly remaining: number;
  readonly retryAfterMs: number | null;
};

const NAMES: Readonly<Record<LimitName, string>> = {
  concurrent_requests: "requests at the same time",
  requests_per_minute: "requests per minute",
  tokens_per_minute: "tokens per minute",
  tokens_per_day: "tokens per day",
  tokens_per_month: "tokens per month",
  cost_per_day: "cost per day",
  cost_per_month: "cost per month",
};

/** A refusal in words: the limit, what is left of it, and what to do. */
export function sayLimit({ scope, limit, max, remaining, retryAfterMs }: Refused): string {
  const whose = scope === "key" ? "This key" : "The workspace of this key";
  const head = `${whose} is limited to ${amount(max)} ${NAMES[limit]} (${limit}), of which ${amount(remaining)} ${remaining === 1 ? "is" : "are"} left.`;
  if (retryAfterMs === null)
    return `${head} The request asks for more than all of it: make its prompt or its \`max_completion_tokens\` smaller.`;
  return `${head} ${limit === "concurrent_requests" ? "Try again when one of them has ended." : `Try again in ${durationText(retryAfterMs)}.`}`;
}

const amount = (value: number): string => String(Math.round(value * 1e9) / 1e9);

/** A duration in OpenAI's form: `120ms`, `1s`, `6m0s`, `2h0m0s`. Rounded up. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}

/** How a caller stands, under OpenAI's names: https://platform.openai.com/docs/guides/rate-limits */
export function standingHeaders({ requests, tokens }: Standing): Record<string, string> {
  return { ...(requests && of("requests", requests)), ...(tokens && of("tokens", tokens)) };
}

/** Likewise for a refusal by one of the two that have such headers. */
export function limitHeaders({ limit, max, remaining, retryAfterMs }: Refused): Record<string, string> {
  const what = /^(requests|tokens)_per_minute$/.exec(limit)?.[1];
  return what === undefined ? {} : of(what, { max, remaining, resetMs: retryAfterMs ?? 0 });
}

const of = (
  what: string,
  { max, remaining, resetMs }: { max: number; remaining: number; resetMs: number },
) => ({
  [`x-ratelimit-limit-${what}`]: String(max),
  [`x-ratelimit-remaining-${what}`]: String(remaining),
  [`x-ratelimit-reset-${what}`]: durationText(resetMs),
});
