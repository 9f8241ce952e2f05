import { messageText } from "../model/conversation.ts";
import { EMBEDDING_DIMENSIONS, base64Floats, embed } from "../model/embedding.ts";
import { countTokens } from "../model/generate.ts";
import { hexDigits } from "../model/hash.ts";
import { isObject, listOf, numberOf, objectOf, textOf } from "../model/json.ts";
import { decode, encode } from "../model/tokenizer.ts";
import type { Context } from "./kind.ts";
import { readTexts } from "./prompts.ts";
import type { Reply } from "./reply.ts";
import { fail, failure, json, tooLong, unknownModel, validation } from "./vllm-http.ts";

/** POST /v1/embeddings: any of the four input forms, or `messages`. */
export function vllmEmbeddings(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { settings } = context;
  // A route whose task the model cannot do is not mounted at all.
  if (settings.lacks.includes("embeddings")) return json(404, { detail: "Not Found" });
  const unknown = unknownModel(context, body);
  if (unknown) return unknown;
  const texts = readTexts(body["input"]) ?? messageTexts(body["messages"]);
  if (!texts) return validation("body.input", "missing", "Field required");
  const model = settings.models[0] ?? "";
  const dimensions = numberOf(body["dimensions"]);
  if (dimensions !== undefined && settings.lacks.includes("dimensions")) {
    const message = `Model "${model}" does not support matryoshka representation, changing output dimensions will lead to poor results.`;
    return fail(failure(400, message, "dimensions"));
  }
  if (body["normalize"] !== undefined)
    return fail(failure(400, "`normalize` was removed. Use `use_activation`.", "normalize"));
  const format = textOf(body["encoding_format"]) ?? "float";
  if (format !== "float" && format !== "base64") {
    return validation(
      "body.encoding_format",
      "literal_error",
      "Input should be 'float', 'base64', 'bytes' or 'bytes_only'",
      format,
    );
  }
  const counts = texts.map(countTokens);
  const overflow = tooLong(context, Math.max(...counts));
  if (overflow) return overflow;
  const prompt = counts.reduce((sum, count) => sum + count, 0);
  context.countPrompt(prompt);
  const data = texts.map((text, index) => {
    const vector = embed(text, dimensions ?? EMBEDDING_DIMENSIONS);
    return { index, object: "embedding", embedding: format === "base64" ? base64Floats(vector) : vector };
  });
  const usage = {
    prompt_tokens: prompt,
    total_tokens: prompt,
    completion_tokens: 0,
    prompt_tokens_details: null,
  };
  const created = Math.floor(context.nowMs / 1000);
  return json(200, {
    id: `embd-${hexDigits(context.serial, 32)}`,
    object: "list",
    created,
    model,
    data,
    usage,
  });
}

function messageTexts(messages: unknown): string[] | undefined {
  return Array.isArray(messages)
    ? [listOf(messages).filter(isObject).map(messageText).join("\n")]
    : undefined;
}

// What the chat template puts around a message and before the answer, as `readConversation` counts it.
const BEFORE_MESSAGE = [1, 2];
const AFTER_MESSAGE = [3, 4];
const OPEN_ANSWER = [1, 2, 5];

/** POST /tokenize: `prompt` or `messages`. The count agrees with `usage.prompt_tokens`. */
export function vllmTokenize({ call, settings }: Context): Reply {
  const body = objectOf(call.body);
  const prompt = textOf(body["prompt"]);
  const messages = listOf(body["messages"]).filter(isObject);
  const templated = messages.flatMap((each) => [
    ...BEFORE_MESSAGE,
    ...encode(messageText(each)),
    ...AFTER_MESSAGE,
  ]);
  const tokens = prompt === undefined ? [...templated, ...OPEN_ANSWER] : encode(prompt);
  return json(200, { count: tokens.length, max_model_len: settings.contextTokens, tokens, token_strs: null });
}

/** POST /detokenize */
export function vllmDetokenize({ call }: Context): Reply {
  const ids = listOf(objectOf(call.body)["tokens"]).flatMap((id) => numberOf(id) ?? []);
  return json(200, { prompt: decode(ids) });
}
