import type { Reranking, RerankRequest } from "../contracts/rerank.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { estimateTextTokens } from "./estimate.ts";
import { asList, asObject } from "../kernel/json.ts";
import { faultOfErrorObject } from "./openai-fault.ts";

/** The documents' texts. */
export const documentTexts = ({ documents }: RerankRequest): string[] =>
  documents.map((each) => (typeof each === "string" ? each : each.text));

/** What is done here and not left to the engine, which then ranks every document and repeats none. */
export const DONE_HERE = ["top_n", "return_documents"];

/** Known to hosted APIs alone. An engine that only reads texts would ignore them. */
const HOSTED = ["rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"];

/** The field of a request that an engine which only reads texts would ignore. */
export const ignoredRerankField = (body: RerankRequest): string | undefined =>
  HOSTED.find((name) => body[name] != null);

/** The members to set where an engine takes texts and no objects; of those it ranks nothing but their text anyway. */
export const textDocuments = (body: RerankRequest): { set: Record<string, unknown> } =>
  body.documents.every((each) => typeof each === "string")
    ? { set: {} }
    : { set: { documents: documentTexts(body) } };

type Ranked = { readonly index: number; readonly score: number };

/**
 * Reads an engine's ranking: `results`, `data` or a bare list, with a `relevance_score` or a `score`. Fails where it does
 * not rank every document once. Best first, as many as were asked for, and with each document as the caller wrote it
 * where that was asked for: of `top_n` and `return_documents` every engine makes something else.
 */
export function readReranking(
  json: unknown,
  { body, requestId }: EngineCall<RerankRequest>,
): Result<Reranking, EngineFault> {
  const answer = asObject(json);
  if (answer?.error !== undefined && answer.error !== null) return err(faultOfErrorObject(answer.error, 500));
  const ranked = rankingOf(asList(answer ? (answer.results ?? answer.data) : json), body.documents.length);
  if (!ranked) return err({ class: "failure", status: 502, message: "it did not rank every document once" });
  const best = ranked.toSorted((a, b) => b.score - a.score || a.index - b.index);
  return ok({
    id: `rerank-${requestId}`,
    model: body.model,
    results: best.slice(0, body.top_n ?? best.length).map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(body.return_documents && { document: documentAt(body, index) }),
    })),
    usage: usageOf(asObject(answer?.usage), body),
  });
}

/** The results of exactly `documents` documents, each once; undefined where they are not. */
function rankingOf(results: readonly unknown[], documents: number): Ranked[] | undefined {
  const ranked = results.flatMap((each) => {
    const result = asObject(each);
    const index = result?.index;
    const score = result?.relevance_score ?? result?.score;
    return isPlace(index, documents) && typeof score === "number" ? [{ index, score }] : [];
  });
  const places = new Set(ranked.map(({ index }) => index));
  return results.length === documents && places.size === documents ? ranked : undefined;
}

const isPlace = (index: unknown, documents: number): index is number =>
  Number.isInteger(index) && (index as number) >= 0 && (index as number) < documents;

function documentAt({ documents }: RerankRequest, index: number): { text: string } {
  const document = documents[index];
  return typeof document === "object" ? document : { text: document ?? "" };
}

function usageOf(told: Record<string, unknown> | undefined, body: RerankRequest): Reranking["usage"] {
  const tokens = told?.prompt_tokens ?? told?.total_tokens;
  if (typeof tokens === "number" && Number.isInteger(tokens) && tokens > 0)
    return { prompt_tokens: tokens, total_tokens: tokens };
  // The query is read anew beside each document.
  const query = estimateTextTokens(body.query);
  const counted = documentTexts(body).reduce((sum, text) => sum + estimateTextTokens(text) + query, 0);
  return { prompt_tokens: counted, total_tokens: counted, estimated: true };
}
