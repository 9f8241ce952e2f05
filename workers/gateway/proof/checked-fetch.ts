import { eventReader } from "./events.ts";
import type { Check, OpenAiType } from "./openai-types.ts";
import type { DocumentedAnswer } from "./openapi-answers.ts";
import { streamRules } from "./stream-rules.ts";

/** The two judges of every answer, and where they write down what is wrong. */
export type Judges = {
  readonly openai: Readonly<Record<OpenAiType, Check>>;
  readonly documented: DocumentedAnswer;
  /**
   * Whether a model's stream may hold the engine's own error event. It may where the bytes are relayed natively: the
   * platform reads them after the client has them.
   */
  readonly nativeErrors: (model: string) => boolean;
  readonly violations: string[];
};

type Json = Record<string, unknown>;

const REQUEST_ID = /^req_[0-9a-f]{32}$/;

/** What OpenAI's client takes each path's whole answer for. */
const TYPES: readonly (readonly [RegExp, (value: unknown) => unknown, OpenAiType])[] = [
  [/^\/v1\/chat\/completions$/, (value) => value, "ChatCompletion"],
  [/^\/v1\/completions$/, (value) => value, "Completion"],
  [/^\/v1\/embeddings$/, asNumbers, "CreateEmbeddingResponse"],
  [/^\/v1\/models\/.+$/, (value) => value, "Model"],
];

/**
 * A fetch through which every answer is judged: by the types of OpenAI's client, by our own OpenAPI document, and
 * streams by their rules. It changes nothing about the answer; what is wrong goes to `violations`.
 */
export function checkedFetch({ openai, documented, nativeErrors, violations }: Judges): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const sent = await bodyOf(request, init);
    const response = await fetch(input, init);
    const { pathname } = new URL(request.url);
    // What is the same at another address is judged as what it is the same as.
    const path = pathname.replace(/^\/api\/v1\/ai\//, "/v1/");
    const { status } = response;
    const { method } = request;
    const mediaType = (response.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    const name = `${method} ${pathname} ${status}`;
    const blame = (wrong: readonly string[]) =>
      violations.push(...wrong.map((each) => `${name}: ${each.slice(0, 1500)}`));
    const id = response.headers.get("x-request-id") ?? "";
    if (!REQUEST_ID.test(id)) blame(["no x-request-id"]);
    if (response.headers.get("x-eco-request-id") !== id) blame(["another x-eco-request-id"]);
    const checks = [documented({ method, path: pathname, status, mediaType })].filter(
      (check) => check !== undefined,
    );
    const errorCheck: Check = (value) => openai.ErrorObject((value as Json).error);
    if (mediaType === "text/event-stream" && response.body) {
      const text = path === "/v1/completions" ? asChunk(openai.Completion) : openai.ChatCompletionChunk;
      const asked = {
        usage: (sent.stream_options as Json | undefined)?.include_usage === true,
        roles: path === "/v1/chat/completions",
      };
      const ownError = nativeErrors(String(sent.model)) ? anyMessage : errorCheck;
      const rules = streamRules({ chunk: [text, ...checks], error: [ownError] }, asked);
      return new Response(response.body.pipeThrough(watch(rules, blame)), response);
    }
    if (mediaType !== "application/json" || method === "HEAD") return response;
    const text = await response.text();
    const value: unknown = JSON.parse(text);
    // What is not ready says what is missing, not that the question was wrong.
    if (status >= 400 && path !== "/ready") checks.push(errorCheck);
    const [, prepare, type] = TYPES.find(([pattern]) => pattern.test(path)) ?? [];
    if (status === 200 && type !== undefined) checks.push((answer) => openai[type](prepare?.(answer)));
    if (status === 200 && path === "/v1/models")
      checks.push((answer) => (answer as { data: unknown[] }).data.map(openai.Model).find(Boolean));
    if (status === 200 && path === "/v1/rerank") checks.push(bestFirst);
    blame(checks.flatMap((check) => check(value) ?? []).map((wrong) => `${wrong}: ${text}`));
    return new Response(text, response);
  };
}

/** The least that makes every client throw: an error with a message. */
const anyMessage: Check = (value) =>
  typeof ((value as Json).error as Json | null)?.message === "string"
    ? undefined
    : "is an error without a message";

/** OpenAI has no ranking to hold ours to: the best comes first, and none twice. */
const bestFirst: Check = (value) => {
  const { results } = value as { results: { index: number; relevance_score: number }[] };
  const places = new Set(results.map(({ index }) => index));
  if (places.size < results.length) return "ranks a document twice";
  const falls = results.every(
    ({ relevance_score }, at) => relevance_score <= (results[at - 1]?.relevance_score ?? Infinity),
  );
  return falls ? undefined : "does not begin with the best";
};

async function bodyOf(request: Request, init: RequestInit | undefined): Promise<Json> {
  if (typeof init?.body !== "string" && request.body === null) return {};
  try {
    const text = typeof init?.body === "string" ? init.body : await request.clone().text();
    return (JSON.parse(text) ?? {}) as Json;
  } catch {
    return {};
  }
}

function watch(
  rules: ReturnType<typeof streamRules>,
  blame: (wrong: string[]) => void,
): TransformStream<Uint8Array, Uint8Array> {
  const reader = eventReader();
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(bytes, out) {
      for (const event of reader.feed(decoder.decode(bytes, { stream: true }))) blame(rules.take(event));
      out.enqueue(bytes);
    },
    flush() {
      if (reader.rest !== "") blame([`ended within an event: ${reader.rest}`]);
      blame(rules.end());
    },
  });
}

/**
 * The type of a legacy completion describes the whole answer only. In everybody's streams, OpenAI's included, a chunk's
 * `finish_reason` is null until the end, and so is its `usage` where usage was asked for:
 * https://platform.openai.com/docs/api-reference/completions/create#completions-create-stream_options
 */
const asChunk =
  (check: Check): Check =>
  (value) => {
    const { usage, ...chunk } = value as { choices?: Json[]; usage?: unknown };
    const choices = chunk.choices?.map((choice) => ({
      ...choice,
      finish_reason: choice.finish_reason ?? "stop",
    }));
    return check({ ...chunk, choices, ...(usage !== null && { usage }) });
  };

/** Their type describes vectors as their client hands them out: the base64 on the wire already read. */
function asNumbers(value: unknown): unknown {
  const list = value as { data: { embedding: unknown }[] };
  const read = (embedding: unknown) =>
    typeof embedding === "string"
      ? Array.from(new Float32Array(new Uint8Array(Buffer.from(embedding, "base64")).buffer))
      : embedding;
  return { ...list, data: list.data.map((each) => ({ ...each, embedding: read(each.embedding) })) };
}
