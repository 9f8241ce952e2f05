import type { Context } from "hono";
import { joinChatAnswers, joinCompletionAnswers } from "../../../shared/chat/join-answers.ts";
import { decodeVector, encodeVector } from "../../../shared/contracts/vector.ts";
import {
  checkChatRequest,
  checkCompletionRequest,
  checkEmbeddingRequest,
  checkRerankRequest,
  parseJson,
} from "../../../shared/contracts/parse-body.ts";
import type { EmbeddingList, EmbeddingRequest } from "../../../shared/contracts/embeddings.ts";
import type { ChatMessage } from "../../../shared/contracts/chat.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import type { Operation } from "../../../shared/engines/engine.ts";
import { mayAskFor } from "../../../shared/models/allowed.ts";
import { prefixKeyOf } from "../../../shared/routing/affinity.ts";
import { PRIORITIES, type Priority } from "../../../shared/routing/priority.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { AppEnv } from "../app-env.ts";
import type { Config } from "../env.ts";
import { admit } from "../ledger/admit.ts";
import { failureResponse } from "../http/failure-response.ts";
import { readBody } from "../http/read-body.ts";
import { findPlaces, modelIdOf, notFoundAmong } from "../places.ts";
import type { Ask } from "../fleet/fleet.ts";
import type { Job } from "../relay/job.ts";
import { type StreamWishes, serveStream } from "../relay/stream.ts";
import { serveWhole } from "../relay/whole.ts";
import type { Run } from "../run.ts";

type Check<Body> = (body: Record<string, unknown>) => Result<Body, Failure>;

/**
 * Reads and checks a request, and finds where its model is served. A check may give another request than it was given: its
 * text goes to the engine then.
 */
export async function prepare<Body extends { model: string }>(
  c: Context<AppEnv>,
  operation: Operation,
  check: Check<Body>,
): Promise<Result<Job<Body>, Failure>> {
  const { run } = c.env;
  run.operation = operation;
  const wrong = wrongHeader(c, run);
  if (wrong) return err(wrong);
  const text = await readBody(c.req.raw, run.ports.config.BODY_BYTES_MAX);
  if (!text.ok) return text;
  const json = parseJson(text.value);
  if (!json.ok) return json;
  const body = check(json.value);
  if (!body.ok) return body;
  const { fleet } = run.ports;
  const places = await findPlaces(fleet, body.value.model, run.defer);
  run.model = body.value.model;
  const { model } = body.value;
  // Whether the model is there is not for a key to know that is for others.
  const refusalOf = ({ models }: Principal): Failure | undefined =>
    models && !isStoreAway(places) && !mayAskFor(models, fleet.index(), model)
      ? notFoundAmong(fleet, models, model)
      : undefined;
  const refusal = run.principal && refusalOf(run.principal);
  if (refusal) return err(refusal);
  run.modelId = modelIdOf(fleet, body.value.model);
  if (!places.ok) return places;
  const admitted = await admit(run, body.value, text.value, refusalOf);
  if (!admitted.ok) return admitted;
  const clientGone = c.req.raw.signal;
  const ask = askOf(c, run, body.value);
  const isOwn = (body.value as unknown) === json.value;
  const sent = isOwn ? text.value : JSON.stringify(body.value);
  return ok({ run, body: body.value, text: sent, places: places.value, clientGone, ask });
}

const isStoreAway = (result: Result<unknown, Failure>): boolean =>
  !result.ok && result.error.kind === "store_unavailable";

/**
 * What decides between the engines of the model. Callers of one session, or of one beginning of a conversation, meet the
 * same engine where that is possible, for it has their prompt in its cache. Only operators choose an engine.
 */
function askOf(c: Context<AppEnv>, run: Run, body: { model: string }): Ask {
  const { ports, principal } = run;
  const operator = run.isExplained;
  const pin = operator ? c.req.raw.headers.get("x-eco-engine") : null;
  const asked = operator ? priorityOf(c.req.raw.headers.get("x-eco-priority")) : undefined;
  const priority = asked ?? principal?.priority ?? "normal";
  run.priority = priority;
  run.pin = pin?.slice(0, PIN_CHARS_MAX);
  const affinity = affinityOf(c.req.raw.headers.get("x-eco-session"), body);
  return {
    priority,
    ...(pin !== null && { pin }),
    ...(affinity !== undefined && { affinity }),
    ...(ports.config.REGION !== undefined && { region: ports.config.REGION }),
    key: principal?.id ?? "",
    deadlineMs: run.startedMs + ports.config.TOTAL_TIMEOUT_MS,
    requestId: run.id,
    defer: run.defer,
    gone: c.req.raw.signal,
    touch: () => run.touch(),
  };
}

/** What an operator asks for in a header, and cannot be: a misspelt priority would be the usual one, and nobody told. */
function wrongHeader(c: Context<AppEnv>, run: Run): Failure | undefined {
  if (!run.isExplained) return undefined;
  const priority = c.req.raw.headers.get("x-eco-priority");
  if (priority === null || priorityOf(priority)) return undefined;
  const param = "x-eco-priority";
  return {
    kind: "invalid_request",
    message: `The header \`${param}\` must be one of: ${PRIORITIES.join(", ")}.`,
    param,
  };
}

const priorityOf = (header: string | null): Priority | undefined =>
  PRIORITIES.find((each) => each === header);

/** The session that the caller names, the conversation's own key, or how it begins. */
function affinityOf(session: string | null, body: Record<string, unknown>): string | undefined {
  if (session !== null && session.length <= SESSION_CHARS_MAX) return session;
  if (typeof body.prompt_cache_key === "string") return body.prompt_cache_key;
  return Array.isArray(body.messages) ? prefixKeyOf(body.messages as readonly ChatMessage[]) : undefined;
}

const SESSION_CHARS_MAX = 256;
/** Longest name of an engine that is told of a request: none has a longer one. */
const PIN_CHARS_MAX = 64;

/** How the client wants its stream: `x-eco-keep-alive: off`, `x-eco-continue: off`. */
export function wishesOf(c: Context<AppEnv>, { KEEP_ALIVE_MS }: Config): StreamWishes {
  const { headers } = c.req.raw;
  const isOff = (name: string) => headers.get(name)?.toLowerCase() === "off";
  return {
    keepAliveMs: isOff("x-eco-keep-alive") ? undefined : KEEP_ALIVE_MS,
    continues: !isOff("x-eco-continue"),
  };
}

/** `POST /v1/chat/completions` */
export async function chatCompletions(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "chat", checkChatRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  if (job.value.body.stream)
    return serveStream(job.value, (endpoint) => endpoint.adapter.chat, wishesOf(c, c.env.run.ports.config));
  return serveWhole(job.value, (endpoint) => endpoint.adapter.chat, { join: joinChatAnswers });
}

/** `POST /v1/completions` */
export async function completions(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "completion", checkCompletionRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  if (job.value.body.stream)
    return serveStream(
      job.value,
      (endpoint) => endpoint.adapter.completion,
      wishesOf(c, c.env.run.ports.config),
    );
  return serveWhole(job.value, (endpoint) => endpoint.adapter.completion, { join: joinCompletionAnswers });
}

/** `POST /v1/embeddings` */
export async function embeddings(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "embedding", checkEmbeddingRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  return serveEmbeddings(job.value);
}

/** Serves embeddings that have been prepared. */
export const serveEmbeddings = (job: Job<EmbeddingRequest>): Promise<Response> =>
  serveWhole(job, (endpoint) => endpoint.adapter.embedding, {
    finish: (list) => inFormat(list, job.body),
  });

/** `POST /v1/rerank` */
export async function rerank(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "rerank", checkRerankRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  return serveWhole(job.value, (endpoint) => endpoint.adapter.rerank);
}

/** The vectors in the format that was asked for, whatever the engine made of the wish. */
function inFormat(list: EmbeddingList, { encoding_format }: EmbeddingRequest): EmbeddingList {
  const convert = encoding_format === "base64" ? encodeVector : decodeVector;
  return { ...list, data: list.data.map((each) => ({ ...each, embedding: convert(each.embedding) })) };
}
