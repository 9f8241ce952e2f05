/**
 * Turns on the processor: one at a time, first come, first served. Generations that run side by side alternate token
 * by token, so a short answer does not wait for a long one, and each step is computed alone, so that an answer with a
 * seed is the same whatever else is going on.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  async run<T>(step: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      return await step();
    } finally {
      resolve();
    }
  }
}
