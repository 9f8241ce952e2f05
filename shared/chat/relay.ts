import type { Usage } from "../contracts/common.ts";
import type { ChunkRules, EngineEvent, StreamDecoder } from "../engines/engine.ts";
import { type Json, asList, asObject, objectIn } from "../kernel/json.ts";
import { readFinish } from "../engines/openai-answer.ts";
import { eventsOfChunk, eventsOfSse } from "../engines/openai-stream.ts";
import { SSE_DONE, type SseEvent, SseScanner, eventsIn, sseEvent } from "../streams/sse.ts";
import type { ChunkWriter } from "./chunk-writer.ts";
import { pendingBytes } from "./cut-event.ts";
import { type Tally, count, emptyTally, usageOf } from "./tally.ts";
import { Transcript } from "./transcript.ts";
import type { WrittenAnswer } from "./written.ts";

/** A stage between an engine's bytes and the client's. */
export type Relay = {
  readonly tally: Tally;
  /** What the client has of the answer. */
  written(): WrittenAnswer;
  /** What to write to the client now: whole events only, so that a cut never leaves half of one. */
  push(bytes: Uint8Array): string | Uint8Array;
  /** Likewise, when the engine's stream has ended. */
  end(): string;
  /** The end of a complete answer: what was held back, the usage where it was asked for, and `[DONE]`. */
  closing(): string;
};

/** What a relay must know of the request. */
export type RelayOptions = {
  readonly showUsage: boolean;
  readonly logprobs?: boolean;
  /** How many choices each prompt was to get; 1 where it is not said. */
  readonly n?: number;
  /** How many prompts there are; 1 where it is not said. */
  readonly prompts?: number;
  readonly promptTokens: () => number;
};

/** How many choices the client asked for. */
export const choicesOf = ({ n = 1, prompts = 1 }: RelayOptions): number => n * prompts;

/** Passes on a stream in the client's own format, event by event, and nothing that is not yet known to be true. */
export function exactRelay(rules: ChunkRules, options: RelayOptions): Relay {
  const tally = emptyTally(choicesOf(options));
  const scanner = new SseScanner();
  const mend = rules.mender?.();
  const addUsage = rules.usagePerChoice && tally.choices > 1 ? usageAdder(options.n ?? 1) : undefined;
  // Finish reasons wait for the end mark: whoever sees one can rely on it.
  let held = "";
  // Choices that have called a tool.
  const called = new Set<number>();
  // The chunk that tells usage is ours, and has to be of the same answer as the engine's.
  let frame: Record<string, unknown> | undefined;
  const transcript = new Transcript();

  function take({ raw, data }: SseEvent): string {
    if (tally.done || tally.fault) return "";
    transcript.add(`${raw}\n\n`);
    if (!rules.mark.test(raw)) {
      // A comment of the engine's own keeps the way open just as well as ours.
      countPiece(tally, data);
      return `${raw}\n\n`;
    }
    const chunk = data === undefined ? undefined : parse(data);
    const events = judged(chunk ? eventsOfChunk(chunk) : eventsOfSse(raw, data), rules);
    for (const event of events) {
      // Counts that run along with the choices (llama.cpp's `timings_per_token`) would be added up many times over.
      if (event.type !== "usage" || !addUsage) count(tally, event);
      else if (chunk?.usage) count(tally, { type: "usage", usage: addUsage(event.usage, chunk) });
    }
    if (!chunk || tally.fault) return "";
    mend?.(chunk);
    const { id, object, created, model } = chunk;
    frame = { id, object, created, model };
    const finishes = events.some((event) => event.type === "finish");
    for (const event of events) if (event.type === "delta" && event.toolCalls) called.add(event.index);
    for (const choice of asList(chunk.choices)) sayFinish(asObject(choice), called);
    if (asList(chunk.choices).length === 0) return "";
    // Usage beside choices (continuous usage) is not asked for by us; a client that wants it gets it once, at the end.
    delete chunk.usage;
    const text = sseEvent(JSON.stringify(chunk));
    // What other choices still say goes on.
    if (!finishes) return text;
    held += text;
    return "";
  }

  return {
    tally,
    written: () => transcript.read(),
    push(bytes) {
      const whole = scanner.rest === "" && held === "" && !tally.done && !tally.fault;
      const text = scanner.take(bytes);
      // The usual case: the network brought whole events, with nothing in them to look at. They go on untouched.
      if (whole && text !== "" && scanner.rest === "" && countPlain(tally, text, rules)) {
        transcript.add(text);
        return bytes;
      }
      return eventsIn(text).map(take).join("");
    },
    end: () => scanner.end().map(take).join(""),
    closing() {
      const usage = () =>
        sseEvent(JSON.stringify({ ...frame, choices: [], usage: usageOf(tally, options.promptTokens) }));
      return held + (options.showUsage ? usage() : "") + SSE_DONE;
    },
  };
}

/** Writes an engine's own protocol anew in the client's format. */
export function translatedRelay(decoder: StreamDecoder, writer: ChunkWriter, options: RelayOptions): Relay {
  const tally = emptyTally(choicesOf(options));
  const transcript = new Transcript();
  let held = "";
  const write = (events: ReturnType<StreamDecoder["push"]>): string => {
    let text = "";
    for (const event of events) {
      if (tally.done || tally.fault) break;
      count(tally, event);
      if (event.type === "delta") text += writer.delta(event);
      else if (event.type === "finish") held += writer.finish(event);
    }
    transcript.add(text);
    return text;
  };
  return {
    tally,
    written: () => transcript.read(),
    push: (bytes) => write(decoder.push(bytes)),
    end: () => write(decoder.end()),
    closing: () =>
      held + (options.showUsage ? writer.usage(usageOf(tally, options.promptTokens)) : "") + SSE_DONE,
  };
}

/**
 * Follows a stream whose bytes reach the client natively. It sees them later than the client and in large pieces, so
 * it may only count and judge.
 */
export class NativeFollower {
  readonly tally: Tally;
  readonly #transcript = new Transcript();
  readonly #scanner = new SseScanner();
  readonly #rules: ChunkRules;
  /** The last bytes: half a character may be among them. */
  #tail: Uint8Array = new Uint8Array();

  constructor(rules: ChunkRules, choices = 1) {
    this.#rules = rules;
    this.tally = emptyTally(choices);
  }

  /** Reads the next bytes of what the client is being sent. */
  push(bytes: Uint8Array): void {
    const text = this.#scanner.take(bytes);
    this.#transcript.add(text);
    this.#tail = bytes.length < 3 ? Uint8Array.of(...this.#tail.slice(-3), ...bytes) : bytes.slice(-3);
    if (!countPlain(this.tally, text, this.#rules)) for (const event of eventsIn(text)) this.#count(event);
  }

  /** The stream has ended. Returns the text of the event that was cut, "" where none was. */
  end(): string {
    const cut = this.#scanner.rest;
    // An engine may leave out the blank line behind its last event.
    if (cut.trim() === "data: [DONE]") count(this.tally, { type: "done" });
    return cut;
  }

  /** What the client has of the answer in whole events. */
  written(): WrittenAnswer {
    return this.#transcript.read();
  }

  /** The bytes of half a character at the end of what the client has. */
  get pending(): Uint8Array {
    return pendingBytes(this.#tail);
  }

  #count({ raw, data }: SseEvent): void {
    if (!this.#rules.mark.test(raw)) return countPiece(this.tally, data);
    for (const event of judged(eventsOfSse(raw, data), this.#rules)) {
      this.tally.told ||= event.type === "error" && !this.tally.fault && /"error":/.test(data ?? "");
      count(this.tally, event);
    }
  }
}

/** The events, and an error among them as the engine's kind judges it. */
const judged = (events: EngineEvent[], { judge }: ChunkRules): EngineEvent[] =>
  judge
    ? events.map((event) => (event.type === "error" ? { ...event, fault: judge(event.fault) } : event))
    : events;

const ROLE = '"role":';

/**
 * Counts events of one line of data each in which there is nothing to look at, without cutting them apart: nearly all
 * of a stream. False, and nothing counted, where there is anything else among them.
 */
function countPlain(tally: Tally, text: string, rules: ChunkRules): boolean {
  if (rules.mark.test(text) || text.includes(ROLE)) return false;
  let pieces = 0;
  for (let at = 0; at < text.length; at = text.indexOf("\n\n", at) + 2) {
    if (!text.startsWith("data: ", at)) return false;
    pieces += 1;
  }
  tally.begun ||= pieces > 0;
  tally.pieces += pieces;
  return true;
}

/** Counts an event in which there is nothing to look at. The one that opens a choice has its role, and rarely text. */
function countPiece(tally: Tally, data: string | undefined): void {
  if (data === undefined) return;
  tally.begun = true;
  if (!data.includes(ROLE)) tally.pieces += 1;
  else for (const event of eventsOfSse("", data)) count(tally, event);
}

/**
 * Adds up usage that is told once for each choice. The `n` choices of one prompt share its tokens, which count once;
 * choices are numbered prompt by prompt.
 */
function usageAdder(n: number): (told: Usage, chunk: Record<string, unknown>) => Usage {
  const promptTokens = new Map<number, number>();
  let completion = 0;
  return (told, chunk) => {
    const index = asObject(asList(chunk.choices)[0])?.index;
    promptTokens.set(typeof index === "number" ? Math.floor(index / n) : 0, told.prompt_tokens);
    completion += told.completion_tokens;
    const prompt = [...promptTokens.values()].reduce((sum, tokens) => sum + tokens, 0);
    return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  };
}

/** Puts a choice's finish reason into OpenAI's words. `called` are the choices that have called a tool. */
function sayFinish(choice: Record<string, unknown> | undefined, called: ReadonlySet<number>): void {
  if (typeof choice?.finish_reason !== "string") return;
  const reason = readFinish(choice.finish_reason) ?? null;
  // vLLM ends a call that the caller named with `stop`: an agent's loop would end there.
  const calls = reason === "stop" && called.has(typeof choice.index === "number" ? choice.index : 0);
  choice.finish_reason = calls ? "tool_calls" : reason;
}

/** An event's data as an object; undefined for `[DONE]` and for what is no JSON object. */
const parse = (data: string): Json | undefined => (/^\s*\{/.test(data) ? objectIn(data) : undefined);
