/** What every handler works with, and the few forms that an answer can take. */
import type { EmbeddingModel, LanguageModel, Token } from "../model/port.ts";
import type { AnswerHead } from "../protocol/bodies.ts";
import type { Failure, Result } from "../protocol/failure.ts";
import { fail, ok } from "../protocol/failure.ts";
import type { Fields } from "../protocol/fields.ts";
import { randomName } from "../protocol/ids.ts";
import type { Metrics } from "./metrics.ts";
import type { SlotPool } from "./slots.ts";

export type Engine = {
  model: LanguageModel;
  embeddings?: EmbeddingModel;
  pool: SlotPool;
  metrics: Metrics;
  /** A clock that never goes back, in milliseconds. */
  nowMs: () => number;
  /** Unix time. */
  nowSeconds: () => number;
  /** Numbers in [0, 1). */
  random: () => number;
  /** What `system_fingerprint` and `build_info` say. */
  build: string;
};

/** Events of a stream, each the value of one `data:` line. Throwing ends it with an error event and without [DONE]. */
export type Events = AsyncGenerator<unknown, void>;

export type Answer =
  | { kind: "json"; body: unknown }
  | { kind: "text"; body: string; headers: Record<string, string> }
  | { kind: "events"; events: Events }
  | { kind: "failure"; failure: Failure }
  /** The client has gone; there is nobody to answer. */
  | { kind: "nobody" };

export const json = (body: unknown): Answer => ({ kind: "json", body });
export const failure = (failed: Failure): Answer => ({ kind: "failure", failure: failed });

export function answerHead(engine: Engine, model: string): AnswerHead {
  return {
    id: `chatcmpl-${randomName(engine.random)}`,
    model,
    createdSeconds: engine.nowSeconds(),
    fingerprint: engine.build,
  };
}

/** Checks that `model`, where the request names one, is the language model. */
export function checkLanguageModel(engine: Engine, fields: Fields): Result<string> {
  const model = fields.text("model") ?? engine.model.card.id;
  if (model === engine.model.card.id) return ok(model);
  if (model === engine.embeddings?.card.id) {
    return fail({
      kind: "invalid_request",
      message: `model '${model}' computes embeddings, it does not generate text`,
    });
  }
  return fail({ kind: "unknown_model", model });
}

/** Checks that the prompt leaves room for at least one token. */
export function checkContext(engine: Engine, prompt: readonly Token[]): Result<readonly Token[]> {
  const { contextTokens } = engine.model.card;
  if (prompt.length === 0) return fail({ kind: "invalid_request", message: "the prompt must not be empty" });
  return prompt.length < contextTokens
    ? ok(prompt)
    : fail({ kind: "context_exceeded", promptTokens: prompt.length, contextTokens });
}

/** What sampling fields may refer to. */
export function vocabularyOf(model: LanguageModel) {
  return {
    vocabularyTokens: model.card.vocabularyTokens,
    isEndOfGeneration: (token: Token) => model.isEndOfGeneration(token),
    tokenize: (text: string, special: boolean) => model.tokenize(text, special),
  };
}
