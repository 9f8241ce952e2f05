import { hexDigits } from "../model/hash.ts";
import { listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { countRanked, rank } from "../model/relevance.ts";
import type { Context } from "./kind.ts";
import type { Reply } from "./reply.ts";
import { json, tooLong, unknownModel, validation } from "./vllm-http.ts";

/** POST /v1/rerank: texts alone, each of them told again beside its score whether that was asked for or not. */
export function vllmRerank(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { settings } = context;
  // A route whose task the model cannot do is not mounted at all.
  if (settings.lacks.includes("rerank")) return json(404, { detail: "Not Found" });
  const unknown = unknownModel(context, body);
  if (unknown) return unknown;
  const query = textOf(body["query"]);
  if (query === undefined) return validation("body.query", "missing", "Field required");
  const given = listOf(body["documents"]);
  const texts = given.filter((each) => typeof each === "string");
  if (texts.length === 0 || texts.length < given.length)
    return validation("body.documents", "string_type", "Input should be a valid string");
  const overflow = tooLong(context, Math.max(...texts.map((each) => countRanked(query, [each]))));
  if (overflow) return overflow;
  const prompt = countRanked(query, texts);
  context.countPrompt(prompt);
  const wanted = numberOf(body["top_n"]) ?? 0;
  const ranked = rank(query, texts).slice(0, wanted > 0 ? wanted : texts.length);
  return json(200, {
    id: `rerank-${hexDigits(context.serial, 32)}`,
    model: settings.models[0] ?? "",
    usage: { prompt_tokens: prompt, total_tokens: prompt },
    results: ranked.map(({ index, text, score }) => ({
      index,
      document: { text, multi_modal: null },
      relevance_score: score,
    })),
  });
}
