import type { CompletionRequest } from "../contracts/completions.ts";
import type { Usage } from "../contracts/common.ts";
import { SseScanner } from "../streams/sse.ts";
import type { EngineEvent, StreamDecoder } from "./engine.ts";
import { asList, asObject } from "../kernel/json.ts";
import { readUsage } from "./openai-answer.ts";
import { isNative, promptsOf } from "./tgi-completion-request.ts";
import { readChunk } from "./tgi-fault.ts";
import { stopsOf } from "./tgi-request.ts";
import { TextReader } from "./tgi-text.ts";

type Json = Record<string, unknown>;

/** Decodes the stream of a completion, of the native route for one prompt and of `/v1/completions` for several. */
export function tgiCompletionDecoder(body: CompletionRequest): StreamDecoder {
  const scanner = new SseScanner();
  const choices = (promptsOf(body) ?? [""]).map(
    (prompt, index) => new Choice(index, stopsOf(body), body.echo ? prompt : ""),
  );
  const answer = isNative(body) ? nativeAnswer(choices) : openaiAnswer(choices);
  const read = (events: ReturnType<SseScanner["push"]>): EngineEvent[] =>
    events.flatMap(({ data }) => (data === undefined ? [] : answer(data)));
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

/** The text that goes on from one prompt. */
class Choice {
  readonly #index: number;
  readonly #text: TextReader;
  finished = false;

  constructor(index: number, stops: readonly string[], before: string) {
    this.#index = index;
    this.#text = new TextReader({ index, stops, thinks: false, before });
  }

  /** `reason` is TGI's word for the end, "" or absent where it goes on. */
  take(text: string, reason: unknown): EngineEvent[] {
    if (this.finished) return [];
    const events: EngineEvent[] = this.#text.push(text);
    const ends = typeof reason === "string" && reason !== "";
    if (!ends && !this.#text.stopped) return events;
    this.finished = true;
    const length = reason === "length" && !this.#text.stopped;
    return [
      ...events,
      ...this.#text.end(),
      { type: "finish", index: this.#index, reason: length ? "length" : "stop" },
    ];
  }
}

/**
 * `/generate_stream`: an event for each token, the last one with the end. Nothing follows it, not even an end mark.
 * https://github.com/huggingface/text-generation-inference/blob/main/router/src/server.rs
 */
function nativeAnswer([choice]: readonly Choice[]) {
  return (data: string): EngineEvent[] => {
    const read = readChunk(data);
    if (!read.ok) return [{ type: "error", fault: read.error }];
    const token = asObject(read.value.token);
    const details = asObject(read.value.details);
    const text = token?.special === true ? "" : String(token?.text ?? "");
    const events = choice?.take(text, details?.finish_reason) ?? [];
    if (details) return [...events, ...usageOf(details), { type: "done" }];
    // It looks for stop texts at the end of a token only, and goes on over this one.
    return choice?.finished ? [...events, { type: "done", early: true }] : events;
  };
}

function usageOf({ input_length: prompt, generated_tokens: completion }: Json): EngineEvent[] {
  if (typeof prompt !== "number" || typeof completion !== "number") return [];
  const usage = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  return [{ type: "usage", usage }];
}

/** `/v1/completions`: the prompts' texts take turns, and each tells its own usage with its end. */
function openaiAnswer(choices: readonly Choice[]) {
  let told: Usage[] = [];
  return (data: string): EngineEvent[] => {
    if (data.startsWith("[DONE]")) return [{ type: "done" }];
    const read = readChunk(data);
    if (!read.ok) return [{ type: "error", fault: read.error }];
    const events = asList(read.value.choices).flatMap((each) => {
      const { index, text, finish_reason: reason } = asObject(each) ?? {};
      // The last token is that of the end itself, written out.
      const shown = reason === "eos_token" ? "" : String(text ?? "");
      return choices[Number(index)]?.take(shown, reason) ?? [];
    });
    const usage = readUsage(read.value.usage);
    if (usage) {
      told = [...told, usage];
      if (told.length === choices.length) events.push({ type: "usage", usage: told.reduce(added) });
    } else if (choices.every(({ finished }) => finished) && told.length === 0)
      events.push({ type: "done", early: true });
    return events;
  };
}

const added = (one: Usage, other: Usage): Usage => ({
  prompt_tokens: one.prompt_tokens + other.prompt_tokens,
  completion_tokens: one.completion_tokens + other.completion_tokens,
  total_tokens: one.total_tokens + other.total_tokens,
});
