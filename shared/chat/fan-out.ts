import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall, EngineFault, EngineRequest, Exchange } from "../engines/engine.ts";
import type { Abilities } from "../engines/abilities.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { AtLeastOne } from "./join-answers.ts";

// Several choices of an engine that makes one at a time: as many requests, whose answers are put together.

type Body = ChatRequest | CompletionRequest;

/** How many requests a request becomes for an engine of these abilities: 1 where the engine makes all choices itself. */
export const requestsFor = ({ several_choices }: Abilities, { n }: Body): number =>
  several_choices === "gateway" ? (n ?? 1) : 1;

/** Beyond 2^53 one number more is the same number; down here there is room for as many as can be asked for. */
const ROOM = 2 ** 52;

/** The seed of each choice: the first has the caller's own, so that it is the answer that one choice would have been. */
function seedOf(seed: number, at: number, n: number): number {
  return at === 0 || Number.isSafeInteger(seed + n) ? seed + at : (seed % ROOM) + at;
}

/**
 * The `n` requests of one choice each that a request of `n` choices becomes. A seed is made another for each: with the
 * same one all choices would be the same. `best_of` goes where it asks for no more than `n`, for then it says nothing.
 */
export function splitChoices<B extends Body>(body: B): B[] {
  const { n: asked, seed, best_of: best, ...rest } = body as Body & { best_of?: number | null };
  const n = asked ?? 1;
  return Array.from({ length: n }, (_, at) => {
    const own = {
      ...rest,
      ...(seed != null && { seed: seedOf(seed, at, n) }),
      ...(best != null && best > n && { best_of: best }),
    };
    return own as unknown as B;
  });
}

/** The calls of one choice each. An engine that knows requests by their ids has to tell them apart. */
const splitCall = <B extends Body>(call: EngineCall<B>): EngineCall<B>[] =>
  splitChoices(call.body).map((body, at) => ({
    ...call,
    body,
    requestId: at === 0 ? call.requestId : `${call.requestId}-${at}`,
  }));

/** What to send for each choice; fails where the engine can do none of them. */
export function encodeChoices<B extends Body>(
  exchange: Exchange<B, unknown>,
  call: EngineCall<B>,
): Result<EngineRequest[], Failure> {
  const requests: EngineRequest[] = [];
  for (const each of splitCall(call)) {
    const encoded = exchange.encode({ ...each, text: JSON.stringify(each.body) });
    if (!encoded.ok) return encoded;
    requests.push(encoded.value);
  }
  return ok(requests);
}

/** Reads the whole answers to all of the choices, in their order, and makes them one. The first fault is that of all. */
export function answerChoices<B extends Body, Answer>(
  exchange: Exchange<B, Answer>,
  call: EngineCall<B>,
  jsons: readonly unknown[],
  nowMs: number,
  join: (answers: AtLeastOne<Answer>) => Answer,
): Result<Answer, EngineFault> {
  const answers: Answer[] = [];
  for (const [at, each] of splitCall(call).entries()) {
    const read = exchange.answer(jsons[at], each, nowMs);
    if (!read.ok) return read;
    answers.push(read.value);
  }
  const [first, ...rest] = answers;
  if (first === undefined) return err({ class: "failure", status: 502, message: "it gave no answer" });
  return ok(join([first, ...rest]));
}
