import type { Context } from "hono";
import { decodeVector, encodeVector } from "../../../shared/contracts/vector.ts";
import {
  checkChatRequest,
  checkCompletionRequest,
  checkEmbeddingRequest,
  parseJson,
} from "../../../shared/contracts/parse-body.ts";
import type { EmbeddingList, EmbeddingRequest } from "../../../shared/contracts/embeddings.ts";
import type { Operation } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import type { AppEnv } from "../app-env.ts";
import type { Config } from "../env.ts";
import { failureResponse } from "../http/failure-response.ts";
import { readBody } from "../http/read-body.ts";
import { findPlaces } from "../places.ts";
import { type Job, serveStream, serveWhole } from "../relay/serve.ts";

type Check<Body> = (body: Record<string, unknown>) => Result<Body, Failure>;

/** Reads and checks a request, and finds where its model is served. */
async function prepare<Body extends { model: string }>(
  c: Context<AppEnv>,
  operation: Operation,
  check: Check<Body>,
): Promise<Result<Job<Body>, Failure>> {
  const { run } = c.env;
  run.operation = operation;
  const text = await readBody(c.req.raw, run.ports.config.BODY_BYTES_MAX);
  if (!text.ok) return text;
  const json = parseJson(text.value);
  if (!json.ok) return json;
  const body = check(json.value);
  if (!body.ok) return body;
  const places = await findPlaces(run.ports.fleet, body.value.model, run.defer);
  if (!places.ok) return places;
  run.model = body.value.model;
  return ok({ run, body: body.value, text: text.value, places: places.value, clientGone: c.req.raw.signal });
}

/** Milliseconds of silence before a comment; undefined where the client wants none: `x-eco-keep-alive: off`. */
function keepAliveMs(c: Context<AppEnv>, config: Config): number | undefined {
  return c.req.header("x-eco-keep-alive")?.toLowerCase() === "off" ? undefined : config.KEEP_ALIVE_MS;
}

/** `POST /v1/chat/completions` */
export async function chatCompletions(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "chat", checkChatRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  if (job.value.body.stream)
    return serveStream(
      job.value,
      (endpoint) => endpoint.adapter.chat,
      keepAliveMs(c, c.env.run.ports.config),
    );
  return serveWhole(job.value, (endpoint) => endpoint.adapter.chat);
}

/** `POST /v1/completions` */
export async function completions(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "completion", checkCompletionRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  if (job.value.body.stream)
    return serveStream(
      job.value,
      (endpoint) => endpoint.adapter.completion,
      keepAliveMs(c, c.env.run.ports.config),
    );
  return serveWhole(job.value, (endpoint) => endpoint.adapter.completion);
}

/** `POST /v1/embeddings` */
export async function embeddings(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "embedding", checkEmbeddingRequest);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  return serveWhole(
    job.value,
    (endpoint) => endpoint.adapter.embedding,
    (list) => inFormat(list, job.value.body),
  );
}

/** The vectors in the format that was asked for, whatever the engine made of the wish. */
function inFormat(list: EmbeddingList, { encoding_format }: EmbeddingRequest): EmbeddingList {
  const convert = encoding_format === "base64" ? encodeVector : decodeVector;
  return { ...list, data: list.data.map((each) => ({ ...each, embedding: convert(each.embedding) })) };
}
