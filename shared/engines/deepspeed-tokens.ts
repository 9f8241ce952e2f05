import type { FinishReason } from "../contracts/chat.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import type { EngineEvent, EngineFault } from "./engine.ts";
import { estimatedUsage } from "./openai-dialect.ts";

/**
 * How the models that DeepSpeed-MII serves write the end of their turn. It decodes special tokens into the text, and
 * in a stream the last one as well.
 */
const END_TEXTS: readonly string[] = [
  "</s>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|end_of_turn|>",
  "<｜end▁of▁sentence｜>",
];
const ENDS: ReadonlySet<string> = new Set(END_TEXTS);

/** Those that nobody writes by hand; `</s>` is HTML as well, and only told apart where it is a token of its own. */
export const PLAIN_END_TEXTS: readonly string[] = END_TEXTS.filter((text) => text !== "</s>");

/** What is told of an answer that ended without its last word. */
export const endedWithout = (what: string): EngineFault => ({
  class: "failure",
  status: 502,
  message: `it ended the stream without ${what}, as it does when a replica has failed`,
});

type Options = { readonly stops: readonly string[]; readonly promptTokens: number };

/**
 * One answer that comes token by token: takes the tokens' texts and gives the canonical events. It ends the answer at a
 * stop text, and where the model goes on behind its own end: the engine knows only one of a model's end tokens and runs
 * to the limit behind the others. The generation cannot be stopped then, only left.
 */
export class TokenAnswer {
  readonly #stops: StopMatcher;
  readonly #promptTokens: number;
  #tokens = 0;
  #state: "open" | "finished" | "closed" = "open";
  #ended = false;

  constructor({ stops, promptTokens }: Options) {
    this.#stops = new StopMatcher(stops);
    this.#promptTokens = promptTokens;
  }

  /** Whether there may be more of it. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the latest token was an end of the model's turn. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** The next token; its text is empty where it is only part of a character. */
  token(text: string): EngineEvent[] {
    if (!this.isOpen) return [];
    if (this.#ended) return this.#leave(this.#stops.end());
    if (ENDS.has(text.trim())) {
      this.#ended = true;
      return [];
    }
    this.#tokens += 1;
    const shown = this.#stops.push(text);
    return this.#stops.found === undefined ? delta(shown) : this.#leave(shown);
  }

  /** The engine says that the answer has come to its end. */
  finish(reason: FinishReason): EngineEvent[] {
    if (!this.isOpen) return [];
    this.#state = "finished";
    return [...delta(this.#stops.end()), ...this.#end(this.#ended ? "stop" : reason)];
  }

  /** The engine's end mark. Without a finish before it, it speaks of a failure. */
  done(): EngineEvent[] {
    if (this.isOpen) return this.fail(endedWithout("a finish reason"));
    const events: EngineEvent[] = this.#state === "finished" ? [{ type: "done" }] : [];
    this.#state = "closed";
    return events;
  }

  /** Something other than an answer has come. */
  fail(fault: EngineFault): EngineEvent[] {
    const events: EngineEvent[] = this.isOpen ? [{ type: "error", fault }] : [];
    this.#state = "closed";
    return events;
  }

  #leave(shown: string): EngineEvent[] {
    this.#state = "closed";
    return [...delta(shown), ...this.#end("stop"), { type: "done", early: true }];
  }

  /** The streams tell no usage; a token of the answer is an event, so only the prompt is a guess. */
  #end(reason: FinishReason): EngineEvent[] {
    return [
      { type: "finish", index: 0, reason },
      { type: "usage", usage: estimatedUsage(this.#promptTokens, this.#tokens) },
    ];
  }
}

const delta = (content: string): EngineEvent[] =>
  content === "" ? [] : [{ type: "delta", index: 0, content }];
