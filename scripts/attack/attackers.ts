import { setTimeout as delay } from "node:timers/promises";

const MINUTE_MS = 60_000;

/** Asks once, and says whether it was let in. */
export type Knock = () => Promise<boolean>;

/** Somebody who wants more than a limit gives, until the time is over. */
export type Attacker = (knock: Knock, isOver: () => boolean) => Promise<void>;

const burst = (knock: Knock, count: number): Promise<boolean[]> =>
  Promise.all(Array.from({ length: count }, knock));

const untilMs = (atMs: number): Promise<void> => delay(Math.max(0, atMs - Date.now()));

/** How gateways that count by fixed windows, or from a key's first request on, are made to let twice as much in. */
export const ATTACKERS: Readonly<Record<string, Attacker>> = {
  /** Spends all at the end of a clock's minute, and again as the next one begins. */
  async "the edge of the clock's minute"(knock, isOver) {
    while (!isOver()) {
      const edgeMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
      for (const offsetMs of [-600, -150, 20, 250, 1_000]) {
        await untilMs(edgeMs + offsetMs);
        if (isOver()) return;
        await burst(knock, 40);
      }
    }
  },

  /** Spends all at once, and comes back when its own first minute is over: a little before and a little behind. */
  async "the edge of its own minute"(knock, isOver) {
    while (!isOver()) {
      const startMs = Date.now();
      await burst(knock, 80);
      for (const offsetMs of [-500, -100, 0, 100, 300]) {
        await untilMs(startMs + MINUTE_MS + offsetMs);
        if (isOver()) return;
        await burst(knock, 40);
      }
    }
  },

  /** Spends one half, waits for half a minute, spends the other, and takes whatever comes free. */
  async "two halves"(knock, isOver) {
    while (!isOver()) {
      const startMs = Date.now();
      for (const offsetMs of [0, MINUTE_MS / 2 - 200, MINUTE_MS / 2 + 200]) {
        await untilMs(startMs + offsetMs);
        if (isOver()) return;
        await burst(knock, 30);
      }
      await untilMs(startMs + MINUTE_MS);
    }
  },

  /** Asks without end. */
  async "a steady hail"(knock, isOver) {
    while (!isOver()) {
      await knock();
      await delay(40);
    }
  },
};
