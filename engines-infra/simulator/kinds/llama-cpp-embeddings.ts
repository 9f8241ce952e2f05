import { base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { decode, encode } from "../model/tokenizer.ts";
import type { Context } from "./kind.ts";
import { fail, failure, json } from "./llama-cpp-http.ts";
import { readTexts } from "./prompts.ts";
import type { Reply } from "./reply.ts";

/** `-ub`: a pooled model takes no longer input. */
const MICRO_BATCH_TOKENS = 512;

type Embedded = { vectors: number[][]; promptTokens: number };

/** POST /v1/embeddings. `dimensions` is ignored; the model is named as the caller named it. */
export function llamaEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const embedded = embedAll(context);
  if ("type" in embedded) return embedded;
  const base64 = textOf(body["encoding_format"]) === "base64";
  const data = embedded.vectors.map((vector, index) => {
    const entry = { embedding: base64 ? base64Floats(vector) : vector, index, object: "embedding" };
    return base64 ? { ...entry, encoding_format: "base64" } : entry;
  });
  const usage = { prompt_tokens: embedded.promptTokens, total_tokens: embedded.promptTokens };
  return json(200, {
    model: textOf(body["model"]) ?? context.settings.models[0] ?? "",
    object: "list",
    usage,
    data,
  });
}

/** POST /embedding and, without `/v1`, /embeddings: a bare list, one row per token pool. */
export function llamaNativeEmbeddings(context: Context): Reply {
  const embedded = embedAll(context);
  if ("type" in embedded) return embedded;
  return json(
    200,
    embedded.vectors.map((vector, index) => ({ index, embedding: [vector] })),
  );
}

function embedAll(context: Context): Embedded | Reply {
  if (context.settings.lacks.includes("embeddings")) {
    return fail(failure(501, "This server does not support embeddings. Start it with `--embeddings`"));
  }
  const body = objectOf(context.call.body);
  const given = body["input"] ?? body["content"];
  const texts = readTexts(given);
  if (given === undefined) return fail(failure(400, '"input" or "content" must be provided'));
  if (!texts)
    return fail(
      failure(
        400,
        '"input" must be a string, an list of tokens, a list of mixed strings & tokens, or a list of prompts',
      ),
    );
  const format = body["encoding_format"];
  if (format !== undefined && format !== "float" && format !== "base64") {
    return fail(failure(400, "The format to return the embeddings in. Can be either float or base64"));
  }
  const counts = texts.map(countTokens);
  const longest = Math.max(...counts);
  if (longest > MICRO_BATCH_TOKENS) {
    const message = `input (${longest} tokens) is too large to process. increase the physical batch size (current batch size: ${MICRO_BATCH_TOKENS})`;
    return fail(failure(500, message));
  }
  const promptTokens = counts.reduce((sum, count) => sum + count, 0);
  context.countPrompt(promptTokens);
  return { vectors: texts.map((text) => embed(text)), promptTokens };
}

/** POST /tokenize `{content}` */
export function llamaTokenize({ call }: Context): Reply {
  return json(200, { tokens: encode(textOf(objectOf(call.body)["content"]) ?? "") });
}

/** POST /detokenize `{tokens}` */
export function llamaDetokenize({ call }: Context): Reply {
  const ids = listOf(objectOf(call.body)["tokens"]).flatMap((id) => numberOf(id) ?? []);
  return json(200, { content: decode(ids) });
}
