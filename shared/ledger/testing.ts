import type { Limits } from "../contracts/limits.ts";
import { type Ledger, step } from "./ledger.ts";
import type { Ask, Booking, Message, Reply } from "./messages.ts";

/** A moment in the middle of a day and a month. */
export const START_MS = Date.UTC(2027, 5, 15, 12);

/** A message of an isolate with nothing to say, but for what is told here. */
export const testMessage = (more: Partial<Message> = {}): Message => ({
  holder: "isolate",
  seq: 1,
  policy: { version: 1, limits: null },
  asks: [],
  taken: [],
  settlements: [],
  left: { requests: 0, tokens: 0, costNano: 0 },
  rate: 0,
  ...more,
});

/** A request for 10 tokens of prompt (15 as they are set aside while nothing is learnt) and 85 of an answer: 100 in all. */
export const testAsk = (id: string, more: Partial<Ask> = {}): Ask => ({
  id,
  model: "m",
  prompt: 10,
  completion: 85,
  ...more,
});

/** What a request has used. */
export const testBooking = (more: Partial<Booking> = {}): Booking => ({
  model: "m",
  engine: "e",
  promptTokens: 12,
  cachedTokens: 2,
  completionTokens: 20,
  reasoningTokens: 3,
  estimated: false,
  costNano: 7,
  queueMs: 1,
  engineMs: 100,
  overheadMs: 2,
  ...more,
});

/** Sends messages one after the other, each under the next number. */
export function speaker(ledger: Ledger, limits: Limits | null, holder = "isolate") {
  let seq = 0;
  return (more: Partial<Message>, nowMs: number): Reply =>
    step(ledger, testMessage({ holder, seq: (seq += 1), policy: { version: 1, limits }, ...more }), nowMs);
}
