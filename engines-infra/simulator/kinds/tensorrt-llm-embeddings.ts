import { base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { hexDigits } from "../model/hash.ts";
import { objectOf, textOf } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { readTexts } from "./prompts.ts";
import type { Reply } from "./reply.ts";
import { fail, json, tooLong, validation } from "./tensorrt-llm-http.ts";

const FIELDS = new Set(["model", "input", "encoding_format", "dimensions", "user", "add_special_tokens"]);

/** POST /v1/embeddings of a server in the embedding role: any of the four input forms. */
export function tensorrtLlmEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  // In any other role the route is not mounted.
  if (context.settings.lacks.includes("embeddings")) return json(404, { detail: "Not Found" });
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined)
    return validation(["body", unknown], "extra_forbidden", "Extra inputs are not permitted", body[unknown]);
  const texts = readTexts(body["input"]);
  if (!texts) return validation(["body", "input"], "missing", "Field required");
  if (body["dimensions"] != null) return fail(400, "dimensions is not supported by this model");
  const format = textOf(body["encoding_format"]) ?? "float";
  if (format !== "float" && format !== "base64")
    return validation(
      ["body", "encoding_format"],
      "literal_error",
      "Input should be 'float' or 'base64'",
      format,
    );
  const counts = texts.map(countTokens);
  const overflow = tooLong(context, Math.max(...counts));
  if (overflow) return overflow;
  const prompt = counts.reduce((sum, count) => sum + count, 0);
  context.countPrompt(prompt);
  const data = texts.map((text, index) => {
    const vector = embed(text);
    return { index, object: "embedding", embedding: format === "base64" ? base64Floats(vector) : vector };
  });
  return json(200, {
    id: `embd-${hexDigits(context.serial, 32)}`,
    object: "list",
    created: Math.floor(context.nowMs / 1000),
    model: body["model"] ?? "",
    data,
    usage: { prompt_tokens: prompt, total_tokens: prompt },
  });
}
