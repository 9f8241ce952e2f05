import { EMBEDDING_DIMENSIONS, base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { numberOf, objectOf, textOf } from "../model/json.ts";
import type { Json, JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { fail, goJson, json, knownModel, metrics } from "./ollama-http.ts";
import { text } from "./reply.ts";
import type { Reply, Whole } from "./reply.ts";

/** POST /api/embed: strings only; `dimensions` cuts and renormalises; too long is cut unless `truncate` is false. */
export function ollamaEmbed(context: Context): Reply {
  const body = objectOf(context.call.body);
  const unknown = unknownModel(context, body);
  if (unknown) return unknown;
  const texts = body["input"] === undefined || body["input"] === null ? [] : readStrings(body["input"]);
  if (!texts) return fail(context, 400, "invalid input type");
  const embedded = embedAll(context, texts, body);
  if ("type" in embedded) return embedded;
  const { total_duration, load_duration } = metrics(embedded.promptTokens, 0);
  const counts = {
    total_duration,
    load_duration,
    ...(embedded.promptTokens > 0 ? { prompt_eval_count: embedded.promptTokens } : {}),
  };
  return json(200, { model: body["model"], embeddings: embedded.vectors, ...counts });
}

/** POST /api/embeddings: the old one. One prompt, and a vector that is not normalised. */
export function ollamaEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const unknown = unknownModel(context, body);
  if (unknown) return unknown;
  const prompt = textOf(body["prompt"]) ?? "";
  if (prompt === "") return json(200, { embedding: [] });
  const embedded = embedAll(context, [prompt], body);
  if ("type" in embedded) return embedded;
  const raw = (embedded.vectors[0] ?? []).map((value) => Number((value * 8).toPrecision(9)));
  return json(200, { embedding: raw });
}

/** POST /v1/embeddings: strings only, cut in silence where too long. */
export function ollamaOpenAiEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { input } = body;
  const format = textOf(body["encoding_format"])?.toLowerCase() ?? "float";
  if (format !== "float" && format !== "base64") {
    const message = `Invalid value for 'encoding_format' = ${String(body["encoding_format"])}. Supported values: ['float', 'base64'].`;
    return fail(context, 400, message);
  }
  if (input === undefined || input === null || (Array.isArray(input) && input.length === 0))
    return fail(context, 400, "invalid input");
  const unknown = unknownModel(context, body);
  if (unknown) return unknown;
  const texts = readStrings(input);
  if (!texts) return fail(context, 400, "invalid input type");
  const embedded = embedAll(context, texts, { ...body, truncate: true });
  if ("type" in embedded) return embedded;
  const data = embedded.vectors.map((vector, index) => ({
    object: "embedding",
    embedding: format === "base64" ? base64Floats(vector) : vector,
    index,
  }));
  const usage = { prompt_tokens: embedded.promptTokens, total_tokens: embedded.promptTokens };
  return text(200, "application/json", goJson({ object: "list", data, model: body["model"], usage }));
}

function unknownModel(context: Context, body: JsonObject): Whole | undefined {
  const name = textOf(body["model"]) ?? "";
  return knownModel(context, name) ? undefined : fail(context, 404, `model '${name}' not found`);
}

function readStrings(input: Json): string[] | undefined {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return undefined;
  return input.every((each) => typeof each === "string") ? input : undefined;
}

function embedAll(context: Context, texts: string[], body: JsonObject) {
  const limit = context.settings.contextTokens;
  const counts = texts.map(countTokens);
  if (body["truncate"] === false && counts.some((count) => count > limit)) {
    return fail(context, 400, "the input length exceeds the context length");
  }
  const promptTokens = counts.reduce((sum, count) => sum + Math.min(count, limit), 0);
  context.countPrompt(promptTokens);
  const dimensions = numberOf(body["dimensions"]) || EMBEDDING_DIMENSIONS;
  return { vectors: texts.map((each) => embed(each, dimensions)), promptTokens };
}
