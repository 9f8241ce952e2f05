import type { Usage } from "../contracts/common.ts";
import type { EngineEvent, EngineFault } from "../engines/engine.ts";
import { placeOf } from "./join-answers.ts";
import { sumUsage } from "./sum-usage.ts";

const broken = (message: string): EngineFault => ({ class: "failure", status: 502, message });

/** What is known of one choice's stream. */
type Stream = { over: boolean; readonly finished: Set<number>; usage: Usage | undefined };

/**
 * Makes the events of one answer of those of several streams, each of one choice (of each prompt). Usage comes once, and
 * the end only when every stream has come to its own; where one fails, its fault is that of all, and the last event.
 */
export class ChoiceMerger {
  readonly #streams: readonly Stream[];
  readonly #prompts: number;
  #over = false;
  #early = false;

  /** For `n` streams; `prompts` is how many prompts the request has, 1 for a chat. */
  constructor(n: number, prompts = 1) {
    this.#streams = Array.from({ length: n }, () => ({
      over: false,
      finished: new Set<number>(),
      usage: undefined,
    }));
    this.#prompts = prompts;
  }

  /** The next events of stream `at`, as events of the whole answer. */
  take(at: number, events: readonly EngineEvent[]): EngineEvent[] {
    return events.flatMap((event) => this.#one(at, event));
  }

  /** Stream `at` has ended, and nothing of it is left. */
  end(at: number): EngineEvent[] {
    const stream = this.#streams[at];
    if (this.#over || !stream || stream.over) return [];
    return this.#fail(broken("the stream broke off before its end"));
  }

  #one(at: number, event: EngineEvent): EngineEvent[] {
    const stream = this.#streams[at];
    if (this.#over || !stream || stream.over) return [];
    switch (event.type) {
      case "delta":
        return [{ ...event, index: placeOf(event.index, at, this.#streams.length) }];
      case "finish":
        stream.finished.add(event.index);
        return [{ ...event, index: placeOf(event.index, at, this.#streams.length) }];
      case "usage":
        stream.usage = event.usage;
        return [];
      case "error":
        return this.#fail(event.fault);
      case "done":
        this.#early ||= event.early === true;
        return this.#finish(stream);
    }
  }

  #finish(stream: Stream): EngineEvent[] {
    stream.over = true;
    if (stream.finished.size < this.#prompts)
      return this.#fail(broken("it ended the stream without a finish reason"));
    if (this.#streams.some(({ over }) => !over)) return [];
    this.#over = true;
    const usages = this.#streams.flatMap(({ usage }) => usage ?? []);
    const [first, ...rest] = usages;
    // Where one of them tells none, all is estimated alike.
    const all = first && usages.length === this.#streams.length ? sumUsage([first, ...rest]) : undefined;
    return [
      ...(all ? [{ type: "usage" as const, usage: all }] : []),
      { type: "done", ...(this.#early && { early: true as const }) },
    ];
  }

  #fail(fault: EngineFault): EngineEvent[] {
    this.#over = true;
    return [{ type: "error", fault }];
  }
}
