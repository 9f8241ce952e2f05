/** Slots: what can be generated at the same time, and the line of those who wait for one. First come, first served. */
import type { SlotMemory, Token } from "../model/port.ts";
import type { Result } from "../protocol/failure.ts";
import { fail, ok } from "../protocol/failure.ts";

/** What /slots shows of a slot. */
export type SlotState = {
  id: number;
  processing: boolean;
  task: number;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
  remainingTokens: number;
};

/** A slot in use; the holder keeps `state` up to date and must release it once. */
export type Lease = { state: SlotState; release(): void };

type MemoryFor = (slot: number, prompt: readonly Token[]) => SlotMemory;

type Waiter = { prompt: readonly Token[]; grant: (lease: Lease) => void };

export class SlotPool {
  readonly #slots: SlotState[];
  readonly #waiting: Waiter[] = [];
  readonly #waitingMax: number;
  readonly #memoryFor: MemoryFor;
  #tasks = 0;

  constructor(count: number, waitingMax: number, memoryFor: MemoryFor) {
    this.#slots = Array.from({ length: count }, (_, id) => ({
      id,
      processing: false,
      task: -1,
      promptTokens: 0,
      cachedTokens: 0,
      outputTokens: 0,
      remainingTokens: 0,
    }));
    this.#waitingMax = waitingMax;
    this.#memoryFor = memoryFor;
  }

  get states(): readonly SlotState[] {
    return this.#slots;
  }

  get processing(): number {
    return this.#slots.filter((slot) => slot.processing).length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Gets in line: at once a promise of a slot, or the news that the line is full. The promise is undefined when
   * `signal` fired first.
   */
  take(prompt: readonly Token[], signal: AbortSignal): Result<Promise<Lease | undefined>> {
    if (signal.aborted) return ok(Promise.resolve(undefined));
    if (this.processing < this.#slots.length) return ok(Promise.resolve(this.#occupy(prompt)));
    if (this.#waiting.length >= this.#waitingMax)
      return fail({ kind: "queue_full", waiting: this.#waiting.length });
    const { promise, resolve } = Promise.withResolvers<Lease | undefined>();
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      resolve(undefined);
    };
    const waiter: Waiter = {
      prompt,
      grant: (lease) => {
        signal.removeEventListener("abort", leave);
        resolve(lease);
      },
    };
    this.#waiting.push(waiter);
    signal.addEventListener("abort", leave, { once: true });
    return ok(promise);
  }

  /** Takes the free slot to which the prompt brings most and costs least; of equals, the one that was idle longest. */
  #occupy(prompt: readonly Token[]): Lease {
    const worth = (slot: SlotState): number => {
      const { keptTokens, lostTokens } = this.#memoryFor(slot.id, prompt);
      return keptTokens - lostTokens;
    };
    const free = this.#slots.filter((slot) => !slot.processing);
    const [best] = free.toSorted((a, b) => worth(b) - worth(a) || a.task - b.task);
    if (!best) throw new Error("no slot is free");
    this.#tasks += 1;
    Object.assign(best, {
      processing: true,
      task: this.#tasks,
      promptTokens: prompt.length,
      cachedTokens: 0,
      outputTokens: 0,
      remainingTokens: 0,
    });
    return { state: best, release: () => this.#release(best) };
  }

  #release(slot: SlotState): void {
    slot.processing = false;
    const next = this.#waiting.shift();
    next?.grant(this.#occupy(next.prompt));
  }
}
