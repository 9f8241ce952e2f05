import type { Limits } from "../../contracts/limits.ts";
import { WINDOW_MS } from "../../limits/slide.ts";
import { ORPHAN_MS } from "../ledger.ts";
import type { Booking } from "../messages.ts";
import { START_MS, testAsk, testBooking } from "../testing.ts";
import { unwritten } from "../totals.ts";
import { SimIsolate } from "./sim-isolate.ts";
import { SimLedger } from "./sim-ledger.ts";

/** A world: the key's limits, and the number of isolates that admit so many requests a second as they say. */
export type World = {
  readonly limits: Limits;
  readonly isolates: number;
  readonly rate: number;
  readonly steps: number;
};

/** What a run came to. */
export type Outcome = {
  readonly admitted: number;
  readonly leased: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly orphans: number;
};

const TELL_MS = 8_000;

/**
 * Runs isolates against a ledger in an order that `random` chooses: messages and answers are late, lost or repeated,
 * isolates and the ledger are killed. Throws where more is admitted than the limits have in any window, or the books are
 * not exactly what was used.
 */
export function simulate({ limits, isolates: count, rate, steps }: World, random: () => number): Outcome {
  const ledger = new SimLedger();
  let serial = 0;
  let nowMs = START_MS;
  const begin = () => new SimIsolate(`isolate-${(serial += 1)}`, limits, rate);
  const isolates = Array.from({ length: count }, begin);
  const outcome = { admitted: 0, leased: 0, crashes: 0, restarts: 0, orphans: 0 };
  const pick = (length: number) => Math.floor(random() * length);
  /** Those that a lease admitted and of which the ledger knows nothing yet. */
  const untold = new Map<string, SimIsolate>();

  const arrive = (isolate: SimIsolate) => {
    const id = `r${(serial += 1)}`;
    const ask = testAsk(id, { completion: random() < 0.2 ? null : 20 + pick(80) });
    const taken = isolate.arrive(ask, nowMs);
    if (!taken) return;
    outcome.leased += 1;
    untold.set(id, isolate);
    ledger.facts.set(id, { atMs: nowMs, reserve: taken.reserve, used: undefined });
  };
  const finish = (isolate: SimIsolate) => {
    const id = [...isolate.open][pick(isolate.open.size)];
    if (id === undefined) return;
    isolate.settle({ id, used: random() < 0.1 ? null : usedOf(ledger, id, random), estimate: 10 });
  };
  const told = (isolate: SimIsolate) => {
    for (const { id } of isolate.inFlight?.message.taken ?? []) untold.delete(id);
  };
  const crash = (at: number, isolate: SimIsolate) => {
    outcome.crashes += 1;
    // Of what only it knew, nothing is left: its lease is what the limits know of it.
    for (const [id, owner] of untold) if (owner === isolate) ledger.facts.delete(id);
    isolates[at] = begin();
  };
  const say = (isolate: SimIsolate, tellOpen = false) => {
    isolate.send(nowMs, tellOpen);
    told(isolate);
    isolate.deliver(ledger, nowMs);
    isolate.hear();
  };
  const pass = (ms: number) => {
    nowMs += ms;
    ledger.wake(nowMs);
  };

  for (let step = 0; step < steps; step++) {
    const at = pick(count);
    const isolate = isolates[at];
    if (!isolate) continue;
    const dice = random();
    if (dice < 0.4) arrive(isolate);
    else if (dice < 0.52) isolate.send(nowMs);
    else if (dice < 0.66) {
      told(isolate);
      isolate.deliver(ledger, nowMs);
    } else if (dice < 0.76) isolate.hear();
    else if (dice < 0.77) isolate.giveUp();
    else if (dice < 0.9) finish(isolate);
    else if (dice < 0.905) crash(at, isolate);
    else if (dice < 0.915) {
      outcome.restarts += 1;
      ledger.restart();
    } else if (dice < 0.92) ledger.snapshot();
    else pass(pick(random() < 0.2 ? TELL_MS : 300));
    if (step % 40 === 0) for (const each of isolates) say(each, true);
    mustHold(limits, ledger, nowMs);
  }
  // Everything comes to rest: what is known is told, and what nobody is at is booked.
  for (const isolate of isolates) {
    say(isolate);
    while (isolate.open.size > 0) finish(isolate);
    for (let round = 0; round < 3; round++) say(isolate, true);
  }
  pass(ORPHAN_MS);
  for (const isolate of isolates) say(isolate, true);
  outcome.admitted = ledger.facts.size;
  outcome.orphans = ledger.ledger.orphans.size;
  mustBalance(ledger);
  return outcome;
}

/** What a request really used: no more than was set aside for it. */
function usedOf(ledger: SimLedger, id: string, random: () => number): Booking {
  const { prompt, completion } = ledger.facts.get(id)?.reserve ?? { prompt: 0, completion: 0 };
  return testBooking({
    promptTokens: Math.min(prompt, 10 + Math.floor(random() * 5)),
    completionTokens: Math.floor(random() * completion),
  });
}

/** In the minute that ends now no more was admitted than the limits have. */
function mustHold(limits: Limits, { facts, ledger }: SimLedger, nowMs: number): void {
  let requests = 0;
  let tokens = 0;
  for (const [id, fact] of facts) {
    const { atMs, reserve } = fact;
    if (atMs <= nowMs - WINDOW_MS) continue;
    requests += 1;
    // What was booked for a request that nobody was at stands for it.
    const used = fact.used === undefined ? ledger.orphans.get(id)?.booked : fact.used;
    if (used === undefined) tokens += reserve.prompt + reserve.completion;
    else if (used) tokens += used.promptTokens + used.completionTokens;
  }
  if (requests > (limits.requestsPerMinute ?? Infinity)) throw new Error(`${requests} requests in a minute`);
  if (tokens > (limits.tokensPerMinute ?? Infinity)) throw new Error(`${tokens} tokens in a minute`);
  if (ledger.open.size > (limits.concurrentRequests ?? Infinity))
    throw new Error(`${ledger.open.size} requests at once`);
}

/** The books hold every request once: what it used, or for one that nobody settled what may be estimated for it. */
function mustBalance({ facts, ledger }: SimLedger): void {
  if (ledger.open.size > 0) throw new Error(`${ledger.open.size} requests are open for ever`);
  const booked = { requests: 0, tokens: 0 };
  for (const row of unwritten(ledger.book)) {
    booked.requests += row.requests;
    booked.tokens += row.promptTokens + row.completionTokens;
  }
  let requests = 0;
  let least = 0;
  let most = 0;
  for (const { reserve, used } of facts.values()) {
    if (used === null) continue;
    requests += 1;
    least += used ? used.promptTokens + used.completionTokens : reserve.prompt;
    most += used ? used.promptTokens + used.completionTokens : reserve.prompt + reserve.completion;
  }
  if (booked.requests !== requests) throw new Error(`${requests} requests, ${booked.requests} in the books`);
  if (booked.tokens < least || booked.tokens > most)
    throw new Error(`${booked.tokens} tokens in the books, which should be ${least} to ${most}`);
}
