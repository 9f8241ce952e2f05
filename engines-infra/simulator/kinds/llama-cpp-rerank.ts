import { listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { countRanked, rank } from "../model/relevance.ts";
import type { Context } from "./kind.ts";
import { double, fail, failure, json } from "./llama-cpp-http.ts";
import type { Reply } from "./reply.ts";

/** Scores there are logits, which may be below zero. */
const logit = (score: number): number => Number((score * 20 - 10).toFixed(6));

/**
 * POST /v1/rerank, of a server started with `--reranking`: texts in `documents`, or in `texts` for an answer in the form
 * of Text Embeddings Inference, a bare list.
 */
export function llamaRerank(context: Context): Reply {
  const body = objectOf(context.call.body);
  if (context.settings.lacks.includes("rerank"))
    return fail(failure(501, "This server does not support reranking. Start it with `--reranking`"));
  if (body["query"] === undefined) return fail(failure(400, '"query" must be provided'));
  const query = textOf(body["query"]);
  if (query === undefined) return fail(failure(400, '"query" must be a string'));
  const given = listOf(body["documents"] ?? body["texts"]);
  const texts = given.filter((each) => typeof each === "string");
  // What cannot be read as a list of texts counts as none.
  if (texts.length === 0 || texts.length < given.length)
    return fail(failure(400, '"documents" must be a non-empty string array'));
  const prompt = countRanked(query, texts);
  context.countPrompt(prompt);
  const ranked = rank(query, texts).slice(0, numberOf(body["top_n"]) ?? texts.length);
  if (body["texts"] !== undefined) {
    const told = body["return_text"] === true;
    return json(
      200,
      ranked.map(({ index, score, text }) => ({
        index,
        score: double(logit(score)),
        ...(told ? { text } : {}),
      })),
    );
  }
  return json(200, {
    model: textOf(body["model"]) ?? context.settings.models[0] ?? "",
    object: "list",
    usage: { prompt_tokens: prompt, total_tokens: prompt },
    results: ranked.map(({ index, score }) => ({ index, relevance_score: double(logit(score)) })),
  });
}
