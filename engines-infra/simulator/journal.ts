import type { Json } from "./model/json.ts";

/** One request as the engine saw it. Times are milliseconds since the epoch. */
export type SeenRequest = {
  id: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  /** The parsed JSON body, or its text where it is not JSON. */
  body: Json | undefined;
  startedMs: number;
  endedMs: number | undefined;
  status: number | undefined;
  /** `aborted`: the client left first. `faulted`: the simulator broke the answer off or spoilt it. */
  state: "queued" | "running" | "finished" | "aborted" | "faulted";
  /** Tokens produced so far, whether or not the client was still there. */
  tokens: number;
  /** Events (or whole bodies) and body bytes written so far. */
  events: number;
  bytes: number;
  /** When and where the generation stopped because the client had left, or the engine was told to end it. */
  aborted: { atToken: number; afterStartMs: number; afterDisconnectMs: number } | undefined;
};

export type Counters = {
  openConnections: number;
  /** Requests that reached a generating route. */
  accepted: number;
  running: number;
  waiting: number;
  tokens: number;
  promptTokens: number;
  finished: number;
};

export type Seen = { requests: SeenRequest[] } & Counters;

/** Older entries go, so that a soak test does not fill the memory. */
const REQUESTS_MAX = 2_000;

type Waiter = { predicate: (seen: Seen) => boolean; resolve: (seen: Seen) => void };

/** What the simulator saw, and whoever waits for it to see more. */
export class Journal {
  counters: Counters = zero();
  #requests: SeenRequest[] = [];
  #waiters = new Set<Waiter>();
  #nextId = 1;

  begin(request: Pick<SeenRequest, "method" | "path" | "headers" | "body" | "startedMs">): SeenRequest {
    const entry: SeenRequest = {
      id: this.#nextId++,
      ...request,
      endedMs: undefined,
      status: undefined,
      state: "running",
      tokens: 0,
      events: 0,
      bytes: 0,
      aborted: undefined,
    };
    this.#requests.push(entry);
    if (this.#requests.length > REQUESTS_MAX) this.#requests.shift();
    this.changed();
    return entry;
  }

  count(changes: Partial<Counters>): void {
    Object.assign(this.counters, changes);
    this.changed();
  }

  seen(): Seen {
    return { requests: this.#requests.map((entry) => ({ ...entry })), ...this.counters };
  }

  /** Forgets the requests and zeroes the totals; what is open, running or waiting stays counted. */
  reset(): void {
    const { openConnections, running, waiting } = this.counters;
    this.#requests = [];
    this.counters = { ...zero(), openConnections, running, waiting };
    this.changed();
  }

  /** Call after every change to an entry. */
  changed(): void {
    if (this.#waiters.size === 0) return;
    const seen = this.seen();
    for (const waiter of this.#waiters) if (waiter.predicate(seen)) waiter.resolve(seen);
  }

  /** The first state that satisfies the predicate. Rejects with what was seen at the deadline. */
  waitFor(predicate: (seen: Seen) => boolean, deadlineMs: number): Promise<Seen> {
    const now = this.seen();
    if (predicate(now)) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const timer = setTimeout(() => {
        done();
        const states = this.#requests.map(
          ({ id, path, state, tokens }) => `${id} ${path} ${state} ${tokens} tokens`,
        );
        reject(new Error(`Not seen within ${deadlineMs} ms. Requests: ${states.join("; ") || "none"}`));
      }, deadlineMs);
      const waiter: Waiter = {
        predicate,
        resolve: (seen) => {
          done();
          resolve(seen);
        },
      };
      this.#waiters.add(waiter);
    });
  }
}

function zero(): Counters {
  return { openConnections: 0, accepted: 0, running: 0, waiting: 0, tokens: 0, promptTokens: 0, finished: 0 };
}
