import type { EmbeddingAdapter } from "./engine.ts";
import { openaiDialect } from "./openai-dialect.ts";

/** Any server that speaks OpenAI's API: LM Studio, a hosted API, another gateway. */
export const openai: EmbeddingAdapter = openaiDialect;
