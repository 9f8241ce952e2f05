import type { EngineFault } from "../../shared/engines/engine.ts";
import type { Failure } from "../../shared/kernel/failure.ts";
import type { Result } from "../../shared/kernel/result.ts";
import { type Outcome, fail, quote, skip } from "./outcome.ts";

/** Why a request has no answer: the adapter refused it, or the engine said that it has none. */
export type Trouble =
  | { readonly by: "adapter"; readonly failure: Failure }
  | { readonly by: "engine"; readonly fault: EngineFault };

export type Said<Answer> = Promise<Result<Answer, Trouble>>;

const WORDS_CHARS_MAX = 100;

/** What went wrong, in one line. */
export function wordsOf(trouble: Trouble): string {
  if (trouble.by === "engine")
    return `${trouble.fault.class} ${trouble.fault.status}: ${quote(trouble.fault.message, WORDS_CHARS_MAX)}`;
  const { failure } = trouble;
  return `refused by the adapter: ${"message" in failure ? failure.message : failure.kind}`;
}

/** Whether the caller is told that the mistake is the caller's. */
export const isCallers = (trouble: Trouble): boolean =>
  trouble.by === "adapter" || trouble.fault.class === "client_fault";

/** A request that should have been answered was not. */
export const failed = (trouble: Trouble): Outcome => fail(wordsOf(trouble));

/** Likewise where a model or a start-up flag may lack it: then the engine says whose mistake it is, and we believe it. */
export const lacking = (trouble: Trouble): Outcome =>
  isCallers(trouble) ? skip(wordsOf(trouble)) : failed(trouble);
