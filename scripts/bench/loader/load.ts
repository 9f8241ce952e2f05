import type { Summary } from "../statistics.ts";

/** What a loader is asked to do. All of it goes to 127.0.0.1. */
export type Load = {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Values of `authorization`, one a request, in turn, in the place of that among the headers. */
  readonly credentials?: readonly string[];
  readonly body: string;
  /** Connections at once. Each sends its next request when the last is answered, unless there is a rate. */
  readonly connections: number;
  /** No new request begins after this time; those that are open are waited for, {@link GRACE_MS} at most. */
  readonly durationMs: number;
  /** Open loop: requests begin at this rate, whether or not those before are answered. */
  readonly ratePerS?: number;
  /** Time over which the connections' first requests are spread. */
  readonly rampMs?: number;
  readonly requestsMax?: number;
  /** The answers are server-sent events, with the engine's stamps in them. */
  readonly stream: boolean;
  /** Content chunks that every stream must have. */
  readonly chunksPerStream?: number;
  /** The client goes away after so many chunks, with a FIN or with a RST. */
  readonly leave?: { readonly afterChunks: number; readonly how: "fin" | "rst" };
};

/** How long what is open at the end may still take, in milliseconds. */
export const GRACE_MS = 15_000;

/** A chunk that was on its way for longer than this is late. */
export const LATE_MS = 50;

/** What a loader saw. Times in milliseconds; undefined where nothing was measured. */
export type LoadReport = {
  readonly requests: number;
  readonly seconds: number;
  /** Connections lost, answers broken or never ended. */
  readonly errors: number;
  readonly non200: number;
  /** Streams without their end mark, or with another number of chunks than they must have. */
  readonly incomplete: number;
  readonly chunks: number;
  readonly lateChunks: number;
  readonly latency: Summary | undefined;
  /** From a request to the first chunk of content. */
  readonly firstToken: Summary | undefined;
  /** From the engine's write of a chunk to the client's read of it. */
  readonly delay: Summary | undefined;
  /** How late the loader itself began requests of an open loop. */
  readonly lag: Summary | undefined;
};
