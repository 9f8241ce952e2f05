const SECOND_MS = 1_000;

/** How many there were in a second: of the present one and the one before it, the larger. */
export class Rate {
  #second = 0;
  #count = 0;
  #before = 0;

  /** One more. */
  count(nowMs: number): void {
    this.#turn(nowMs);
    this.#count += 1;
  }

  /** How many in a second, lately. */
  at(nowMs: number): number {
    this.#turn(nowMs);
    return Math.max(this.#count, this.#before);
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    if (second === this.#second) return;
    this.#before = second === this.#second + 1 ? this.#count : 0;
    this.#count = 0;
    this.#second = second;
  }
}
