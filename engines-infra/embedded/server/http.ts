/** The HTTP shell: reads a request, asks its route, writes the answer. It holds no rules of the protocol. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Failure, Result } from "../protocol/failure.ts";
import { errorBody, fail, ok } from "../protocol/failure.ts";
import { Fields, reading } from "../protocol/fields.ts";
import type { Answer, Engine, Events } from "./context.ts";
import { failure } from "./context.ts";
import { routeOf } from "./routes.ts";

export type EngineState =
  { status: "loading" } | { status: "ready"; engine: Engine } | { status: "failed"; message: string };

export type HttpOptions = {
  /** Asked at every request: the server listens before the model is loaded. */
  state: () => EngineState;
  /** Where a bug is told; the client is only told that there was one. */
  log: (line: string) => void;
  bodyBytesMax?: number;
  /** How long a stream may be silent before a comment keeps it alive. */
  pingMs?: number;
};

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const PING_MS = 30_000;

export function createEngineServer(options: HttpOptions): Server {
  const server = createServer((request, response) => {
    respond(options, request, response).catch((error: unknown) => {
      options.log(`bug in ${request.method} ${request.url}: ${stackOf(error)}`);
      response.destroy();
    });
  });
  // Longer than a gateway keeps an idle connection, so that it is the gateway that closes and no request races a close.
  server.keepAliveTimeout = 75_000;
  return server;
}

async function respond(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  // A write to a client that has just left is no error of ours: the signal tells everybody who has to know.
  response.on("error", () => undefined);
  response.setHeader("Server", "llama.cpp");
  let answer: Answer;
  try {
    answer = await answerTo(options, request, gone.signal);
  } catch (error) {
    options.log(`bug in ${request.method} ${request.url}: ${stackOf(error)}`);
    answer = failure({ kind: "internal", message: "the engine failed, its log says why" });
  }
  // A stream is always read to its end, even if nobody listens: that is how its slot becomes free.
  if (answer.kind === "events") return writeEvents(options, response, answer.events);
  if (answer.kind === "nobody" || response.destroyed) return;
  if (answer.kind === "failure") return writeFailure(response, answer.failure);
  const [type, body] =
    answer.kind === "json" ? [JSON_TYPE, JSON.stringify(answer.body)] : [undefined, answer.body];
  response.writeHead(200, answer.kind === "text" ? answer.headers : { "content-type": type });
  response.end(body);
}

const JSON_TYPE = "application/json; charset=utf-8";

async function answerTo(
  options: HttpOptions,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const state = options.state();
  if (state.status === "loading") return failure({ kind: "loading" });
  if (state.status === "failed") return failure({ kind: "load_failed", message: state.message });
  // Not with a base: `//` would be an address without a host.
  const url = URL.parse(`http://engine${request.url}`);
  const route = url ? routeOf(url.pathname) : undefined;
  if (!url || !route) return failure({ kind: "not_found" });
  const method = request.method === "HEAD" ? "GET" : request.method;
  if (method !== route.method) return failure({ kind: "method_not_allowed", allow: route.method });
  if (route.method === "GET") return route.answer(state.engine, url.searchParams);
  const body = await readBody(request, options.bodyBytesMax ?? BODY_BYTES_MAX);
  if (!body) return { kind: "nobody" };
  if (!body.ok) return failure(body.failure);
  const fields = reading(() => new Fields(body.value));
  return fields.ok ? route.answer(state.engine, fields.value, signal) : failure(fields.failure);
}

/** The body's JSON; undefined where the client left before it had sent all of it. */
async function readBody(
  request: IncomingMessage,
  sizeBytesMax: number,
): Promise<Result<unknown> | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > sizeBytesMax) return fail({ kind: "body_too_large", sizeBytesMax });
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  try {
    return ok(JSON.parse(Buffer.concat(chunks).toString("utf8")));
  } catch (error) {
    // llama-server answers 500 here. It is the client's mistake, and a gateway would count a 500 against the engine.
    const reason = error instanceof Error ? error.message : String(error);
    return fail({ kind: "invalid_request", message: `the request body is not valid JSON: ${reason}` });
  }
}

function writeFailure(response: ServerResponse, failed: Failure): void {
  const error = errorBody(failed);
  const headers: Record<string, string> = { "content-type": JSON_TYPE };
  if (failed.kind === "method_not_allowed") headers["allow"] = failed.allow;
  // The rest of an oversized body is still on its way; only a closed connection stops it.
  if (failed.kind === "body_too_large") headers["connection"] = "close";
  response.writeHead(error.code, headers);
  response.end(JSON.stringify({ error }));
}

/**
 * Server-sent events. Writes are not held up by a slow reader: an answer is small and bounded, while a slot that waits
 * for a stalled client would be lost to all others.
 */
async function writeEvents(options: HttpOptions, response: ServerResponse, events: Events): Promise<void> {
  const write = (text: string): void => {
    if (!response.destroyed) response.write(text);
  };
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "x-accel-buffering": "no",
    "cache-control": "no-cache",
  });
  response.flushHeaders();
  const ping = setInterval(() => write(":\n\n"), options.pingMs ?? PING_MS);
  try {
    for await (const event of events) {
      write(`data: ${JSON.stringify(event)}\n\n`);
      ping.refresh();
    }
    write("data: [DONE]\n\n");
  } catch (error) {
    options.log(`a stream broke: ${stackOf(error)}`);
    const body = errorBody({
      kind: "internal",
      message: "the engine failed in mid-answer, its log says why",
    });
    // No [DONE]: a broken stream must not look finished.
    write(`data: ${JSON.stringify({ error: body })}\n\n`);
  } finally {
    clearInterval(ping);
    response.end();
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
