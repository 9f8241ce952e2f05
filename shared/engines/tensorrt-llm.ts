import type { ChatRequest } from "../contracts/chat.ts";
import { continuedChat, continuedCompletion } from "./continued.ts";
import type { EmbeddingAdapter, EngineCall, EngineLoad, Written } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { openaiDialect, unsupported } from "./openai-dialect.ts";
import { gauge } from "./prometheus-text.ts";
import { offsetMender } from "./sglang-answer.ts";
import { classifyTensorrtLlm } from "./tensorrt-llm-fault.ts";
import { encodeChat, encodeCompletion, encodeEmbedding } from "./tensorrt-llm-request.ts";
import { chatRules, completionRules, mendAnswer } from "./tensorrt-llm-stream.ts";

// TensorRT-LLM's trtllm-serve: https://nvidia.github.io/TensorRT-LLM/commands/trtllm-serve/trtllm-serve.html
// It has no keys and guards none of its routes; those that are called here are all that anybody needs to reach.

/** By these the template's renderer leaves a closing assistant message open. */
const CONTINUE = { continue_final_message: true, add_generation_prompt: false };

/** Models whose prompts the server writes itself: no option of a template reaches there, and the answer would begin anew. */
const RENDERED_NATIVELY = /gpt-?oss|deepseek-?v(3\.2|4)|kimi-?k/i;

function continueChat(call: EngineCall<ChatRequest>, written: Written) {
  const { body, engine, model } = call;
  if (model.names.some((name) => RENDERED_NATIVELY.test(name)))
    return unsupported(engine, "model", "does not go on with an answer that another engine began");
  const kwargs = asObject(body.chat_template_kwargs);
  const merges = body.continue_final_message === true || kwargs?.continue_final_message === true;
  return encodeChat(continuedChat(call, written, { merges, extra: CONTINUE }));
}

/** A gauge under its name, or as older releases call it. */
const reading = (text: string, name: string): number | undefined =>
  gauge(text, `trtllm_${name}`) ?? gauge(text, name);

/** What it tells is of the last request that ended: a lone long generation does not show. */
const readLoad = (text: string): EngineLoad => ({
  running: reading(text, "num_requests_running"),
  waiting: reading(text, "num_requests_waiting"),
  kvUse: reading(text, "kv_cache_utilization"),
  slots: reading(text, "max_num_active_requests"),
});

/** TensorRT-LLM's `trtllm-serve`. */
export const tensorrtLlm: EmbeddingAdapter = {
  label: "TensorRT-LLM",
  chat: {
    encode: encodeChat,
    answer(json, call) {
      mendAnswer(json);
      return openaiDialect.chat.answer(json, call);
    },
    stream: { format: "openai", relay: () => "exact", rules: chatRules },
    continue: continueChat,
  },
  completion: {
    encode: encodeCompletion,
    answer(json, call) {
      const read = openaiDialect.completion.answer(json, call);
      if (read.ok) offsetMender()(read.value);
      return read;
    },
    stream: { format: "openai", relay: () => "exact", rules: completionRules },
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  embedding: { ...openaiDialect.embedding, encode: encodeEmbedding },
  classify: classifyTensorrtLlm,
  abilities: { ...openaiDialect.abilities, rerank: "refused", continuation: "engine" },
  // Its queue has no bound and no word for being full.
  defaults: { concurrencyMax: 256 },
  models: openaiDialect.models,
  // Not `/health_generate`, which costs a slot. While it loads nobody listens.
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  // Not `/metrics`: whoever reads that takes it away from all others.
  load: { path: "/prometheus/metrics", read: readLoad },
  trimBaseUrl: openaiDialect.trimBaseUrl,
};
