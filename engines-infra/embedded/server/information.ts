/** The GET endpoints: models, properties, slots, and the two that turn text into tokens and back. */
import type { ModelCard, Token } from "../model/port.ts";
import type { Fields } from "../protocol/fields.ts";
import { reading, refuse } from "../protocol/fields.ts";
import type { Answer, Engine } from "./context.ts";
import { failure, json } from "./context.ts";

const cards = (engine: Engine): Array<{ card: ModelCard; capability: string }> => [
  { card: engine.model.card, capability: "completion" },
  ...(engine.embeddings ? [{ card: engine.embeddings.card, capability: "embedding" }] : []),
];

function modelBody(card: ModelCard, capability: string, nowSeconds: number) {
  return {
    id: card.id,
    aliases: [],
    tags: [],
    object: "model",
    created: nowSeconds,
    owned_by: "eco-base",
    meta: {
      vocab_type: card.vocabularyType,
      n_vocab: card.vocabularyTokens,
      n_ctx: card.contextTokens,
      n_ctx_train: card.trainContextTokens,
      n_embd: card.embeddingLength,
      n_params: card.parameters,
      size: card.sizeBytes,
      ftype: card.weightType,
      // Ours: with two models behind one port a client has to see which is for what.
      capabilities: [capability],
      description: card.description,
    },
  };
}

/** GET /v1/models: llama-server answers with an Ollama-like list and with OpenAI's. */
export function modelsAnswer(engine: Engine): Answer {
  const all = cards(engine);
  return json({
    models: all.map(({ card, capability }) => ({
      name: card.id,
      model: card.id,
      modified_at: "",
      size: "",
      digest: "",
      type: "model",
      description: card.description,
      tags: [""],
      capabilities: [capability],
      parameters: "",
      details: {
        parent_model: "",
        format: "gguf",
        family: "",
        families: [""],
        parameter_size: "",
        quantization_level: "",
      },
    })),
    object: "list",
    data: all.map(({ card, capability }) => modelBody(card, capability, engine.nowSeconds())),
  });
}

/** GET /v1/models/{id} */
export function modelAnswer(engine: Engine, id: string): Answer {
  const found = cards(engine).find(({ card }) => card.id === id);
  return found
    ? json(modelBody(found.card, found.capability, engine.nowSeconds()))
    : failure({ kind: "unknown_model", model: id });
}

/** GET /props */
export function propsAnswer(engine: Engine): Answer {
  const { card, template } = engine.model;
  return json({
    default_generation_settings: {
      params: {
        temperature: 0.8,
        top_k: 40,
        top_p: 0.95,
        min_p: 0.05,
        repeat_last_n: 64,
        repeat_penalty: 1,
        presence_penalty: 0,
        frequency_penalty: 0,
      },
      n_ctx: card.contextTokens,
    },
    total_slots: engine.model.slots,
    model_alias: card.id,
    model_ftype: card.weightType,
    model_path: card.path,
    modalities: { vision: false, video: false, audio: false },
    endpoint_slots: true,
    endpoint_props: false,
    endpoint_metrics: true,
    chat_template: template.source,
    bos_token: template.bosText,
    eos_token: template.eosText,
    build_info: engine.build,
    is_sleeping: false,
  });
}

/** GET /slots; with `fail_on_no_slot` a 503 when all are busy. */
export function slotsAnswer(engine: Engine, query: URLSearchParams): Answer {
  const { states } = engine.pool;
  if (query.get("fail_on_no_slot") && states.every((slot) => slot.processing)) {
    return failure({ kind: "no_slot" });
  }
  return json(
    states.map((slot) => ({
      id: slot.id,
      n_ctx: engine.model.card.contextTokens,
      speculative: false,
      is_processing: slot.processing,
      id_task: slot.task,
      n_prompt_tokens: slot.promptTokens,
      n_prompt_tokens_cache: slot.cachedTokens,
      next_token: [
        {
          has_next_token: slot.processing,
          has_new_line: false,
          n_remain: Number.isFinite(slot.remainingTokens) ? slot.remainingTokens : -1,
          n_decoded: slot.outputTokens,
        },
      ],
    })),
  );
}

/** GET /metrics */
export function metricsAnswer(engine: Engine): Answer {
  const load = { processing: engine.pool.processing, deferred: engine.pool.waiting };
  return {
    kind: "text",
    body: engine.metrics.text(load),
    headers: { "content-type": "text/plain; version=0.0.4" },
  };
}

/** What takes half a second, in which nobody else is answered. */
const CONTENT_CHARS_MAX = 1_000_000;

/** POST /tokenize */
export function tokenizeAnswer(engine: Engine, fields: Fields): Answer {
  const read = reading(() => {
    const content = fields.text("content") ?? "";
    if (content.length > CONTENT_CHARS_MAX)
      refuse(`'content' may have at most ${CONTENT_CHARS_MAX} characters`);
    const special = fields.flag("parse_special") ?? true;
    return fields.flag("add_special")
      ? engine.model.tokenizePrompt(content)
      : engine.model.tokenize(content, special);
  });
  if (!read.ok) return failure(read.failure);
  const pieces = reading(() => fields.flag("with_pieces") ?? false);
  if (!pieces.ok) return failure(pieces.failure);
  const tokens = pieces.value
    ? read.value.map((id) => ({ id, piece: engine.model.detokenize([id]) }))
    : read.value;
  return json({ tokens });
}

/** POST /detokenize */
export function detokenizeAnswer(engine: Engine, fields: Fields): Answer {
  const read = reading(() => {
    const tokens = fields.list("tokens") ?? [];
    const last = engine.model.card.vocabularyTokens - 1;
    const valid = tokens.every(
      (token) => Number.isInteger(token) && Number(token) >= 0 && Number(token) <= last,
    );
    return valid ? (tokens as readonly Token[]) : refuse("'tokens' must be tokens of the vocabulary");
  });
  return read.ok ? json({ content: engine.model.detokenize(read.value) }) : failure(read.failure);
}
