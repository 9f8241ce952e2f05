import type { Usage } from "../contracts/common.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { estimatePromptTokens, estimateTextTokens } from "./estimate.ts";
import { readFinish } from "./openai-answer.ts";
import { estimatedUsage } from "./openai-dialect.ts";
import { broken, readObject } from "./triton-fault.ts";
import { limitOf, stopsOf } from "./triton-request.ts";

type Json = Record<string, unknown>;

/** A tensor of one element is written as that element, one of several as a list: the first of either. */
const first = (value: unknown): unknown => (Array.isArray(value) ? (value as unknown[])[0] : value);

/** The text of an answer or an event; undefined where it has none. */
export function textOf(object: Json): string | undefined {
  const text = first(object.text_output);
  return typeof text === "string" ? text : undefined;
}

/** Why the answer ended, as the engine's Python wrote it; undefined while it goes on, and where it does not tell. */
export function finishToldOf(object: Json): string | undefined {
  const told = first(object.finish_reason);
  return typeof told === "string" && told !== "" && told !== "None" ? told : undefined;
}

/** What an answer tells of its tokens: in a stream each event tells its own. */
export class Counts {
  #prompt: number | undefined;
  #completion: number | undefined;
  #events = 0;

  /** Counts an event, or a whole answer. */
  add(object: Json): void {
    this.#events += 1;
    const prompt = first(object.num_input_tokens);
    const completion = first(object.num_output_tokens);
    if (typeof prompt === "number") this.#prompt = prompt;
    if (typeof completion === "number") this.#completion = (this.#completion ?? 0) + completion;
  }

  /** Tokens that were generated: as told, or one for each event. */
  get tokens(): number {
    return this.#completion ?? this.#events;
  }

  /** Likewise, undefined where the engine did not tell. */
  get told(): number | undefined {
    return this.#completion;
  }

  /** Undefined where not all of it was told. */
  usage(): Usage | undefined {
    if (this.#prompt === undefined || this.#completion === undefined) return undefined;
    const [prompt, completion] = [this.#prompt, this.#completion];
    return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  }
}

/** The text up to the first stop text, which a classic model leaves in it. */
function cut(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const shown = matcher.push(text);
  return { text: shown + matcher.end(), stopped: matcher.found !== undefined };
}

/** Reads a whole answer of `generate`. Fails where it is an error with status 200, or has no text. */
export function answerCompletion(
  json: unknown,
  call: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const said = readObject(json);
  if ("fault" in said) return err(said.fault);
  const whole = textOf(said.object);
  if (whole === undefined) return err(broken("its answer has no text_output"));
  const { text, stopped } = cut(whole, stopsOf(call.body));
  const counts = new Counts();
  counts.add(said.object);
  const tokens = counts.told ?? estimateTextTokens(whole);
  const told = finishToldOf(said.object) ?? (tokens >= limitOf(call.body) ? "length" : "stop");
  const reason = stopped ? "stop" : readFinish(told);
  if (!reason) return err(broken(`it gave up (finish_reason ${JSON.stringify(told)})`));
  return ok({
    id: `cmpl-${call.requestId}`,
    object: "text_completion",
    created: Math.floor(nowMs / 1000),
    model: call.body.model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: reason === "length" ? "length" : "stop" }],
    usage: counts.usage() ?? estimatedUsage(estimatePromptTokens(call.body.prompt), tokens),
  });
}
