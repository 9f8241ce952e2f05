import type { Reranking, RerankRequest } from "../contracts/rerank.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { estimateTextTokens } from "./estimate.ts";
import { asList, asObject } from "./openai-answer.ts";

/** The documents' texts. */
export const documentTexts = ({ documents }: RerankRequest): string[] =>
  documents.map((each) => (typeof each === "string" ? each : each.text));

/** What an engine makes of `top_n` and `return_documents`, and how it spells its results, differs: all of it is done here. */
export function readReranking(
  json: unknown,
  { body, requestId }: EngineCall<RerankRequest>,
): Result<Reranking, EngineFault> {
  const texts = documentTexts(body);
  const answer = asObject(json);
  const results = asList(Array.isArray(json) ? json : answer?.results).flatMap((each) => {
    const result = asObject(each);
    const score = result?.relevance_score ?? result?.score;
    const index = result?.index;
    if (typeof score !== "number" || typeof index !== "number") return [];
    const text = texts[index];
    return text === undefined ? [] : [{ index, relevance_score: score, document: { text } }];
  });
  const wanted = Math.min(body.top_n ?? texts.length, texts.length);
  if (new Set(results.map(({ index }) => index)).size !== results.length || results.length < wanted)
    return err({ class: "failure", status: 502, message: "its answer does not rank every document" });
  const best = results.toSorted((a, b) => b.relevance_score - a.relevance_score).slice(0, wanted);
  return ok({
    id: `rerank-${requestId}`,
    model: body.model,
    results: body.return_documents
      ? best
      : best.map(({ index, relevance_score }) => ({ index, relevance_score })),
    usage: usageOf(asObject(answer?.usage), body, texts),
  });
}

function usageOf(
  told: Record<string, unknown> | undefined,
  { query }: RerankRequest,
  texts: readonly string[],
): Reranking["usage"] {
  const tokens = told?.prompt_tokens ?? told?.total_tokens;
  if (typeof tokens === "number" && tokens > 0) return { prompt_tokens: tokens, total_tokens: tokens };
  // The query is read anew beside each document.
  const counted = texts.reduce((sum, text) => sum + estimateTextTokens(text) + estimateTextTokens(query), 0);
  return { prompt_tokens: counted, total_tokens: counted, estimated: true };
}
