import { eventReader } from "./events.ts";
import type { Proof } from "./harness.ts";

type Json = Record<string, unknown>;

/** A chat request with one user message. */
export const chat = (model: string, content: string, more: Json = {}): Json => ({
  model,
  messages: [{ role: "user", content }],
  ...more,
});

/** Sends a body as a client of ours does: JSON, with the developer's key. A text goes out as it is. */
export function post(
  proof: Proof,
  path: string,
  body: unknown,
  init: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return proof.fetch(proof.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", authorization: `Bearer ${proof.key}`, ...init.headers },
    ...(init.signal && { signal: init.signal }),
  });
}

/** Gets a path with the developer's key. */
export const get = (proof: Proof, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  proof.fetch(proof.url + path, { headers: { authorization: `Bearer ${proof.key}`, ...headers } });

/** OpenAI's error, as it lies in an answer. */
export type ErrorBody = {
  error: { message: string; type: string; param: string | null; code: string | null };
};

/** The error of an answer that is one. */
export const errorOf = async (response: Response): Promise<ErrorBody["error"]> =>
  ((await response.json()) as ErrorBody).error;

type Delta = {
  role?: string;
  content?: string | null;
  reasoning_content?: string | null;
  tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
};
type Chunk = {
  id: string;
  choices: {
    index: number;
    delta?: Delta;
    text?: string;
    logprobs?: unknown;
    finish_reason: string | null;
  }[];
  usage?: Usage | null;
  error?: ErrorBody["error"];
};
export type Usage = {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  estimated?: true;
};

/** A streamed answer, read to its end. */
export type Streamed = {
  readonly chunks: readonly Chunk[];
  /** Choice 0's text, joined. */
  readonly text: string;
  readonly reasoning: string;
  readonly finishes: readonly string[];
  readonly usage: Usage | undefined;
  readonly error: ErrorBody["error"] | undefined;
  readonly done: boolean;
  readonly comments: number;
};

/** Reads a stream of events as a client does. */
export async function readStream(response: Response): Promise<Streamed> {
  const reader = eventReader();
  const events = reader.feed(await response.text());
  const data = events.flatMap((event) => event.data ?? []);
  const chunks = data.filter((each) => each !== "[DONE]").map((each) => JSON.parse(each) as Chunk);
  const first = chunks.flatMap((chunk) => chunk.choices ?? []).filter(({ index }) => index === 0);
  return {
    chunks,
    text: first.map(({ delta, text }) => delta?.content ?? text ?? "").join(""),
    reasoning: first.map(({ delta }) => delta?.reasoning_content ?? "").join(""),
    finishes: chunks
      .flatMap((chunk) => chunk.choices ?? [])
      .flatMap(({ finish_reason }) => finish_reason ?? []),
    usage: chunks.findLast(({ usage }) => usage)?.usage ?? undefined,
    error: chunks.find(({ error }) => error)?.error,
    done: data.includes("[DONE]"),
    comments: events.filter((event) => event.data === undefined).length,
  };
}
