import type { Route } from "../app.ts";
import { embed, generate } from "./generate.ts";
import * as inference from "./inference.ts";
import * as models from "./models.ts";

/** The same models under the platform's own addresses, and in its own short forms. */
export const AI_ROUTES: readonly Route[] = [
  ["post", "/api/v1/ai/chat/completions", "inference", inference.chatCompletions],
  ["post", "/api/v1/ai/completions", "inference", inference.completions],
  ["post", "/api/v1/ai/embeddings", "inference", inference.embeddings],
  ["post", "/api/v1/ai/rerank", "inference", inference.rerank],
  ["get", "/api/v1/ai/models", "models:read", models.listModels],
  ["get", "/api/v1/ai/models/:id{.+}", "models:read", models.getModel],
  ["post", "/api/v1/ai/generate", "inference", generate],
  ["post", "/api/v1/generate", "inference", generate],
  ["post", "/generate", "inference", generate],
  ["post", "/api/v1/ai/embed", "inference", embed],
];
