import { isObject, listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { countRanked, rank } from "../model/relevance.ts";
import type { Context } from "./kind.ts";
import { fail, invalid, pretty, refusal, usual } from "./openai-http.ts";
import type { Reply } from "./reply.ts";

/**
 * POST /v1/rerank in the form of Jina and of the gateways that follow it: OpenAI itself has none, and answers as to any
 * path that it does not know.
 */
export function openaiRerank(context: Context): Reply {
  const body = objectOf(context.call.body);
  if (context.settings.lacks.includes("rerank"))
    return fail({ ...usual(404), message: "Invalid URL (POST /v1/rerank)", code: null });
  const refused = refusal(context, body);
  if (refused) return refused;
  const query = textOf(body["query"]);
  if (!query) return invalid("Missing required parameter: 'query'.", "query", "missing_required_parameter");
  const texts = listOf(body["documents"]).map((each) => textOf(isObject(each) ? each["text"] : each) ?? "");
  if (texts.length === 0) return invalid("Invalid 'documents': empty array.", "documents", "empty_array");
  const tokens = countRanked(query, texts);
  context.countPrompt(tokens);
  const told = body["return_documents"] !== false;
  return pretty(200, {
    model: String(body["model"]),
    object: "list",
    usage: { total_tokens: tokens, prompt_tokens: tokens },
    results: rank(query, texts)
      .slice(0, numberOf(body["top_n"]) ?? texts.length)
      .map(({ index, score, text }) => ({
        index,
        relevance_score: score,
        ...(told ? { document: { text } } : {}),
      })),
  });
}
