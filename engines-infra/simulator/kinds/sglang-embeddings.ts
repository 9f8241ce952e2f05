import { EMBEDDING_DIMENSIONS, base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { hexDigits } from "../model/hash.ts";
import { listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { countRanked, rank } from "../model/relevance.ts";
import type { Context } from "./kind.ts";
import { readTexts } from "./prompts.ts";
import type { Reply } from "./reply.ts";
import { fail, failure, json, refused, tooLong, unknownAdapter, usageOf, validation } from "./sglang-http.ts";

/** What a server without `--is-embedding` says to either. */
const noEmbeddings = (): Reply =>
  refused(
    "This model does not appear to be an embedding model by default. Please add `--is-embedding` when launching the server or try another model.",
  );

/** Where the weights are, which answers name as the model. */
export const weightsOf = ({ settings }: Context): string => `/models/${settings.models[0] ?? ""}`;

/** POST /v1/embeddings: any of the four input forms. */
export function sglangEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { settings } = context;
  const format = body["encoding_format"] ?? "float";
  if (body["encoding_format"] === null)
    return validation("encoding_format", "string_type", "Input should be a valid string", null);
  if (settings.lacks.includes("embeddings")) return noEmbeddings();
  const adapter = unknownAdapter(context, body);
  if (adapter) return adapter;
  const texts = readTexts(body["input"]);
  if (!texts) return validation("input", "missing", "Field required");
  const blank = texts.findIndex((text) => text.trim() === "");
  if (blank >= 0)
    return refused(
      typeof body["input"] === "string"
        ? "Input cannot be empty or whitespace only"
        : `Input at index ${blank} cannot be empty or whitespace only`,
    );
  if (texts.length > 1 && typeof body["rid"] === "string")
    return fail(failure(500, "Internal server error: The rid should be a list."));
  if (format !== "float" && format !== "base64")
    return refused("encoding_format must be 'float' or 'base64'.");
  const dimensions = numberOf(body["dimensions"]);
  if (dimensions !== undefined && settings.lacks.includes("dimensions"))
    return refused(
      `Model '${weightsOf(context)}' does not support matryoshka representation, changing output dimensions will lead to poor results.`,
    );
  const counts = texts.map(countTokens);
  const overflow = tooLong(context, Math.max(...counts));
  if (overflow) return overflow;
  const prompt = counts.reduce((sum, count) => sum + count, 0);
  context.countPrompt(prompt);
  const data = texts.map((text, index) => {
    const vector = embed(text, dimensions ?? EMBEDDING_DIMENSIONS);
    return { embedding: format === "base64" ? base64Floats(vector) : vector, index, object: "embedding" };
  });
  const usage = usageOf({ prompt, completion: 0, total: prompt, reasoning: 0 });
  return json(200, { data, model: weightsOf(context), object: "list", usage });
}

/** POST /v1/rerank: a list without more, each document with what it cost. */
export function sglangRerank(context: Context): Reply {
  const body = objectOf(context.call.body);
  if (context.settings.lacks.includes("rerank")) return noEmbeddings();
  const query = textOf(body["query"]);
  if (query === undefined) return validation("query", "missing", "Field required");
  if (query.trim() === "") return refused("Query cannot be empty or whitespace only");
  const given = listOf(body["documents"]);
  const texts = given.filter((each) => typeof each === "string");
  if (texts.length < given.length)
    return validation("documents", "string_type", "Input should be a valid string");
  if (texts.length === 0) return refused("Documents cannot be empty");
  if (body["return_documents"] === null)
    return validation("return_documents", "bool_type", "Input should be a valid boolean", null);
  context.countPrompt(countRanked(query, texts));
  const ranked = rank(query, texts).slice(0, numberOf(body["top_n"]) ?? texts.length);
  const results = ranked.map(({ index, score, text }) => ({
    score,
    ...(body["return_documents"] === false ? {} : { document: text }),
    index,
    meta_info: {
      id: hexDigits(context.serial * 131 + index, 32),
      finish_reason: { type: "length", length: 0 },
      prompt_tokens: countRanked(query, [text]),
      e2e_latency: 0.02,
    },
  }));
  return json(200, results);
}
