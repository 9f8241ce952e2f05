import { sglangControl } from "./control.ts";
import type { EmbeddingAdapter, EngineCall, StreamFormat } from "./engine.ts";
import { openaiDialect } from "./openai-dialect.ts";
import { offsetMender, sglangRules, withRankingUsage, withReasoningTokens } from "./sglang-answer.ts";
import { classifySglang } from "./sglang-fault.ts";
import { readSglangLoad } from "./sglang-load.ts";
import { nameOnWire, readServerInfo, readSglangModels } from "./sglang-models.ts";
import {
  continueChat,
  continueCompletion,
  encodeChat,
  encodeCompletion,
  encodeEmbedding,
  encodeRerank,
} from "./sglang-request.ts";

// SGLang: https://docs.sglang.ai/basic_usage/openai_api.html

/** It says [DONE] after an error and after an abort: nothing of it can be believed unseen. */
const stream: StreamFormat = { format: "openai", relay: () => "exact", rules: sglangRules };

/** The answer under the model's own name, where it was asked for by another. */
const named = <Answer extends { model: string }>(answer: Answer, { model }: EngineCall<unknown>): Answer =>
  answer.model === nameOnWire(model) ? { ...answer, model: model.names[0] ?? answer.model } : answer;

export const sglang: EmbeddingAdapter = {
  ...openaiDialect,
  label: "SGLang",
  classify: classifySglang,
  chat: {
    ...openaiDialect.chat,
    encode: encodeChat,
    answer(json, call) {
      const read = openaiDialect.chat.answer(withReasoningTokens(json), call);
      return read.ok ? { ...read, value: named(read.value, call) } : read;
    },
    stream,
    continue: continueChat,
  },
  completion: {
    ...openaiDialect.completion,
    encode: encodeCompletion,
    answer(json, call) {
      const read = openaiDialect.completion.answer(withReasoningTokens(json), call);
      if (!read.ok) return read;
      offsetMender()(read.value);
      return { ...read, value: named(read.value, call) };
    },
    stream,
    continue: continueCompletion,
  },
  embedding: {
    encode: encodeEmbedding,
    // Its answer names the folder or repository of the weights, not the model that was asked for.
    answer(json, call) {
      const read = openaiDialect.embedding.answer(json, call);
      return read.ok
        ? { ...read, value: { ...read.value, model: call.model.names[0] ?? call.body.model } }
        : read;
    },
  },
  rerank: {
    encode: encodeRerank,
    answer: (json, call) => openaiDialect.rerank.answer(withRankingUsage(json), call),
  },
  abilities: { ...openaiDialect.abilities, several_choices: "gateway", continuation: "engine" },
  // Its headers come with the first token, after all of its queue; a batch that is stuck for this long ends the process.
  defaults: { concurrencyMax: 256, firstByteTimeoutMs: 300_000 },
  models: {
    path: "/v1/models",
    read: readSglangModels,
    details: { path: "/server_info", read: readServerInfo },
  },
  // Not `/health`: it makes the GPU generate a token each time, takes a second at least, and fails during a long
  // prefill. What is still in its warm-up takes requests already.
  health: openaiDialect.health,
  load: { path: "/v1/loads?include=core", read: readSglangLoad },
  // Where a client has left, it often notices nothing and goes on to the end. Ids are compared by how they begin: ours
  // are all of one length, and those of several prompts begin with the request's.
  abort: (requestId) => ({ path: "/abort_request", body: JSON.stringify({ rid: requestId }) }),
  control: sglangControl,
};
