import { MODEL } from "./engine/answers.ts";
import { CHUNKS_DEFAULT, directives } from "./engine/behaviour.ts";
import type { Load } from "./loader/load.ts";

/** A load without the candidate that it goes to. */
export type LoadPlan = Omit<Load, "port" | "headers" | "credentials"> & {
  /** Each request has a key of its own, that nobody has used yet, where the candidate knows keys. */
  readonly coldKeys?: true;
};

export type Workload = {
  readonly title: string;
  /** Several plans run one after the other, and are told apart by their place. */
  plans(seconds: number): readonly LoadPlan[];
};

const SYSTEM = "You are a helpful assistant. Answer in one short paragraph.";
const QUESTION = "Tell me in a few words what an AI gateway is good for, please.";

/** A chat request's body. Streams ask for usage, as SDKs that count tokens do. */
const chat = (content: string, more: object = {}): string =>
  JSON.stringify({
    model: MODEL,
    ...more,
    temperature: 0.7,
    messages: [
      { role: "system", content: SYSTEM },
      { role: "user", content },
    ],
  });
const streamed = (gapMs: number, chunks: number): string =>
  chat(`${QUESTION} ${directives(gapMs, chunks)}`, { stream: true, stream_options: { include_usage: true } });

const HISTORY_MESSAGES = 64;
/** About 64 KB of conversation, with the quotes and line ends that make JSON work. */
const history = (): string =>
  JSON.stringify({
    model: MODEL,
    temperature: 0.7,
    messages: Array.from({ length: HISTORY_MESSAGES }, (_, at) => ({
      role: at % 2 === 0 ? "user" : "assistant",
      content: `${at} ${'lorem ipsum "dolor" sit amet\n'.repeat(32)}`,
    })),
  });

const PATH = "/v1/chat/completions";
const whole = (body: string, connections: number, seconds: number): LoadPlan => ({
  path: PATH,
  body,
  connections,
  durationMs: seconds * 1000,
  stream: false,
});
const streams = (gapMs: number, connections: number, seconds: number, rampMs: number): LoadPlan => ({
  path: PATH,
  body: streamed(gapMs, CHUNKS_DEFAULT),
  connections,
  durationMs: seconds * 1000,
  rampMs,
  stream: true,
  chunksPerStream: CHUNKS_DEFAULT,
});

/** Chunks of an aborted stream, those that the client waits for, and how many streams are aborted in each way. */
export const ABORT = { chunks: 100, leaveAfter: 10, streams: 8, gapMs: 20 } as const;

const aborted = (how: "fin" | "rst"): LoadPlan => ({
  path: PATH,
  body: streamed(ABORT.gapMs, ABORT.chunks),
  connections: ABORT.streams,
  requestsMax: ABORT.streams,
  durationMs: 10_000,
  stream: true,
  leave: { afterChunks: ABORT.leaveAfter, how },
});

/** Below the rate of a hot key, of which every isolate holds a lease. */
const COLD_PER_S = 50;

const workloads = {
  sat32: {
    title: "32 connections, short requests",
    plans: (seconds) => [whole(chat(QUESTION), 32, seconds)],
  },
  big: { title: "8 connections, 64 KB of messages", plans: (seconds) => [whole(history(), 8, seconds)] },
  rate: {
    title: "200 requests a second, open loop",
    plans: (seconds) => [{ ...whole(chat(QUESTION), 64, seconds + 2), ratePerS: 200 }],
  },
  cold: {
    title: `${COLD_PER_S} requests a second, each with a key that was never used`,
    plans: (seconds) => [{ ...whole(chat(QUESTION), 32, seconds + 2), ratePerS: COLD_PER_S, coldKeys: true }],
  },
  relay: {
    title: "32 streams of 50 chunks, 20 ms apart",
    plans: (seconds) => [streams(20, 32, seconds, 1_000)],
  },
  burst: { title: "32 streams of 50 chunks, no gap", plans: (seconds) => [streams(0, 32, seconds, 0)] },
  c500: {
    title: "500 streams of 50 chunks, 20 ms apart",
    plans: (seconds) => [streams(20, 500, seconds + 4, 2_000)],
  },
  abort: {
    title: `the client leaves after ${ABORT.leaveAfter} of ${ABORT.chunks} chunks`,
    plans: () => [aborted("fin"), aborted("rst")],
  },
} as const satisfies Record<string, Workload>;

/** Requests that a plan can come to, at most; of a plan without a rate nobody knows. */
export const requestsMaxOf = ({ ratePerS = 0, durationMs }: LoadPlan): number =>
  Math.ceil((ratePerS * durationMs) / 1000) + 1;

export type WorkloadName = keyof typeof workloads;
/** What is measured, in the order of the table. */
export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = workloads;
