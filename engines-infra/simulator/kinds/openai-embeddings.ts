import { EMBEDDING_DIMENSIONS, base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { numberOf, objectOf, textOf } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { fail, invalid, pretty, refusal, tooLong, usual } from "./openai-http.ts";
import { readTexts } from "./prompts.ts";
import type { Reply } from "./reply.ts";

/** POST /v1/embeddings: any of the four input forms; `dimensions` cuts and renormalises. */
export function openaiEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(context, body);
  if (refused) return refused;
  if (context.settings.lacks.includes("embeddings")) {
    return fail({ ...usual(403), message: "You are not allowed to generate embeddings from this model" });
  }
  const texts = readTexts(body["input"]);
  if (!texts || texts.includes(""))
    return invalid(
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
      null,
      null,
    );
  const dimensions = numberOf(body["dimensions"]) ?? EMBEDDING_DIMENSIONS;
  if (dimensions < 1 || dimensions > EMBEDDING_DIMENSIONS) {
    return invalid(
      `Invalid value for 'dimensions' = ${dimensions}. Must be less than or equal to ${EMBEDDING_DIMENSIONS}.`,
      null,
      null,
    );
  }
  const counts = texts.map(countTokens);
  const overflow = tooLong(context, Math.max(...counts), "input");
  if (overflow) return overflow;
  const prompt = counts.reduce((sum, count) => sum + count, 0);
  context.countPrompt(prompt);
  const base64 = textOf(body["encoding_format"]) === "base64";
  const data = texts.map((text, index) => {
    const vector = embed(text, dimensions);
    return { object: "embedding", index, embedding: base64 ? base64Floats(vector) : vector };
  });
  const usage = { prompt_tokens: prompt, total_tokens: prompt };
  return pretty(200, { object: "list", data, model: String(body["model"]), usage });
}
