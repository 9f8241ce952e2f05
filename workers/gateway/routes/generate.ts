import type { Context } from "hono";
import { chatRequestOf, embeddingRequestOf, generationOf } from "../../../shared/chat/generation.ts";
import type { ChatCompletion } from "../../../shared/contracts/chat.ts";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";
import { serveStream } from "../relay/stream.ts";
import { serveWhole } from "../relay/whole.ts";
import { prepare, serveEmbeddings, wishesOf } from "./inference.ts";

/** `POST /api/v1/ai/generate`: a chat in our own short form. */
export async function generate(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const job = await prepare(c, "chat", chatRequestOf);
  if (!job.ok) return failureResponse(run, job.error);
  if (job.value.body.stream)
    return serveStream(job.value, ({ adapter }) => adapter.chat, wishesOf(c, run.ports.config));
  const finish = (answer: ChatCompletion) =>
    generationOf(answer, {
      id: `gen-${run.id}`,
      latency_ms: run.ports.now() - run.startedMs,
      engine: run.isExplained ? run.engine : undefined,
    });
  return serveWhole(job.value, ({ adapter }) => adapter.chat, { finish });
}

/** `POST /api/v1/ai/embed`: embeddings, asked for in our own short form. */
export async function embed(c: Context<AppEnv>): Promise<Response> {
  const job = await prepare(c, "embedding", embeddingRequestOf);
  if (!job.ok) return failureResponse(c.env.run, job.error);
  return serveEmbeddings(job.value);
}
