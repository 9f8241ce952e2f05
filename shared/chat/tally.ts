import type { Usage } from "../contracts/common.ts";
import type { EngineEvent, EngineFault } from "../engines/engine.ts";
import { estimatedUsage } from "../engines/openai-dialect.ts";

/** What a stream has said of itself so far. Nothing but all of it together makes an answer complete. */
export type Tally = {
  /** Something that is part of an answer has come: until then another engine can be asked and nobody notices. */
  begun: boolean;
  /** Events with a piece of the answer; about one token each with every engine we know. */
  pieces: number;
  /** How many choices were asked for. */
  readonly choices: number;
  /** Choices whose finish reason has come. */
  readonly finished: Set<number>;
  /** The engine's end mark has come. */
  done: boolean;
  usage: Usage | undefined;
  fault: EngineFault | undefined;
  /** The fault came as an error event in the client's own format, and the client has it already. */
  told: boolean;
};

/** A stream that has said nothing, of so many choices. */
export const emptyTally = (choices = 1): Tally => ({
  begun: false,
  pieces: 0,
  choices,
  finished: new Set(),
  done: false,
  usage: undefined,
  fault: undefined,
  told: false,
});

/** Counts one event. The first fault stays: what an engine says after it is not believed. */
export function count(tally: Tally, event: EngineEvent): void {
  if (tally.fault) return;
  if (event.type === "delta" || event.type === "finish") tally.begun = true;
  if (event.type === "delta") tally.pieces += 1;
  else if (event.type === "finish") tally.finished.add(event.index);
  else if (event.type === "usage") tally.usage = event.usage;
  else if (event.type === "error") tally.fault = event.fault;
  else tally.done = true;
}

/**
 * Whether all of the answer has come, and perhaps not its end mark: the engine has said that every choice is finished.
 * What is lost behind that is the engine's, and not the caller's.
 */
export const isFinished = (tally: Tally): boolean => tally.finished.size >= tally.choices && !tally.fault;

/** Whether the answer came to its end: every choice's finish reason, an end mark, and no fault. */
export const isComplete = (tally: Tally): boolean => tally.done && isFinished(tally);

/** Why an answer that is over is not complete. */
export function faultOf(tally: Tally): EngineFault {
  if (tally.fault) return tally.fault;
  const message = !tally.done
    ? "the stream broke off before its end"
    : tally.finished.size === 0
      ? "it ended the stream without a finish reason"
      : `it ended the stream with ${tally.finished.size} of ${tally.choices} choices finished`;
  return { class: "failure", status: 502, message };
}

/** The usage: the engine's own numbers, or what was counted, marked as such. */
export const usageOf = (tally: Tally, promptTokens: () => number): Usage =>
  tally.usage ?? estimatedUsage(promptTokens(), tally.pieces);
