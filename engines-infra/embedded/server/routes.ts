/** Which handler answers which path. */
import type { Fields } from "../protocol/fields.ts";
import { handleChat } from "./chat.ts";
import { handleCompletions } from "./completions.ts";
import type { Answer, Engine } from "./context.ts";
import { failure, json } from "./context.ts";
import { handleEmbeddings } from "./embeddings.ts";
import {
  detokenizeAnswer,
  metricsAnswer,
  modelAnswer,
  modelsAnswer,
  propsAnswer,
  slotsAnswer,
  tokenizeAnswer,
} from "./information.ts";

type Get = (engine: Engine, query: URLSearchParams) => Answer;
type Post = (engine: Engine, fields: Fields, signal: AbortSignal) => Answer | Promise<Answer>;

const health: Get = () => json({ status: "ok" });

const GET: Readonly<Record<string, Get>> = {
  "/health": health,
  "/v1/health": health,
  "/models": modelsAnswer,
  "/v1/models": modelsAnswer,
  "/props": propsAnswer,
  "/slots": slotsAnswer,
  "/metrics": metricsAnswer,
};

const native: Post = () =>
  failure({
    kind: "not_supported",
    message: "llama.cpp's native format is not supported, use the paths under /v1",
  });

const POST: Readonly<Record<string, Post>> = {
  "/chat/completions": handleChat,
  "/v1/chat/completions": handleChat,
  "/v1/completions": handleCompletions,
  "/v1/embeddings": handleEmbeddings,
  "/completion": native,
  "/completions": native,
  "/embedding": native,
  "/embeddings": native,
  "/tokenize": tokenizeAnswer,
  "/detokenize": detokenizeAnswer,
};

const MODEL_PATH = /^\/v1\/models\/(.+)$/;

export type Route = { method: "GET"; answer: Get } | { method: "POST"; answer: Post };

/** The route of a path, or undefined where there is none. */
export function routeOf(path: string): Route | undefined {
  const get = Object.hasOwn(GET, path) ? GET[path] : undefined;
  if (get) return { method: "GET", answer: get };
  const post = Object.hasOwn(POST, path) ? POST[path] : undefined;
  if (post) return { method: "POST", answer: post };
  const id = MODEL_PATH.exec(path)?.[1];
  return id === undefined
    ? undefined
    : { method: "GET", answer: (engine) => modelAnswer(engine, decoded(id)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
