/** POST /v1/embeddings */
import type { EmbeddingModel, Token } from "../model/port.ts";
import type { Result } from "../protocol/failure.ts";
import { fail, ok } from "../protocol/failure.ts";
import type { Fields } from "../protocol/fields.ts";
import { reading, refuse } from "../protocol/fields.ts";
import { tokensAtLeast } from "../protocol/prompt.ts";
import type { Answer, Engine } from "./context.ts";
import { failure, json } from "./context.ts";

const INPUTS_MAX = 2048;

type EmbeddingPlan = { inputs: Token[][]; base64: boolean };

export async function handleEmbeddings(engine: Engine, fields: Fields, signal: AbortSignal): Promise<Answer> {
  const model = checkEmbeddingModel(engine, fields);
  if (!model.ok) return failure(model.failure);
  const plan = reading(() => readPlan(model.value, fields));
  if (!plan.ok) return failure(plan.failure);
  const { inputs, base64 } = plan.value;
  const data: unknown[] = [];
  let tokens = 0;
  for (const [index, input] of inputs.entries()) {
    const vector = await model.value.embed(input, signal);
    if (signal.aborted) return { kind: "nobody" };
    tokens += input.length;
    data.push(
      base64
        ? { embedding: base64Of(vector), index, object: "embedding", encoding_format: "base64" }
        : { embedding: [...vector], index, object: "embedding" },
    );
  }
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return json({ model: model.value.card.id, object: "list", usage, data });
}

function checkEmbeddingModel(engine: Engine, fields: Fields): Result<EmbeddingModel> {
  const { embeddings } = engine;
  const wanted = reading(() => fields.text("model"));
  if (!wanted.ok) return wanted;
  const name = wanted.value;
  if (embeddings && (name === undefined || name === embeddings.card.id)) return ok(embeddings);
  if (name === undefined || name === engine.model.card.id) {
    const message = `model '${engine.model.card.id}' does not compute embeddings`;
    return fail({ kind: "not_supported", message });
  }
  return fail({ kind: "unknown_model", model: name });
}

function readPlan(model: EmbeddingModel, fields: Fields): EmbeddingPlan {
  const { contextTokens, embeddingLength, vocabularyTokens, id } = model.card;
  const dimensions = fields.integer("dimensions", { min: 1 });
  if (dimensions !== undefined && dimensions !== embeddingLength) {
    refuse(
      `'dimensions' must be ${embeddingLength}: vectors of '${id}' mean nothing when they are cut short`,
    );
  }
  const base64 = fields.choice("encoding_format", ["float", "base64"]) === "base64";
  const input = fields.raw("input") ?? refuse("'input' is required");
  const isTokens =
    Array.isArray(input) && input.length > 0 && input.every((each) => typeof each === "number");
  const list: unknown[] = Array.isArray(input) && !isTokens ? input : [input];
  if (list.length === 0) refuse("'input' must not be empty");
  if (list.length > INPUTS_MAX) refuse(`'input' may have at most ${INPUTS_MAX} entries`);
  const inputs = list.map((entry, index) => {
    const name = Array.isArray(input) && !isTokens ? `input[${index}]` : "input";
    const tooLong = (tokens: string): never =>
      refuse(
        `'${name}' has ${tokens} tokens, '${id}' reads at most ${contextTokens}: split it into shorter texts`,
      );
    if (typeof entry === "string" && tokensAtLeast(entry) > contextTokens)
      tooLong(`at least ${tokensAtLeast(entry)}`);
    const tokens =
      typeof entry === "string" ? model.tokenize(entry) : readTokens(entry, name, vocabularyTokens);
    if (entry === "" || tokens.length === 0) return refuse(`'${name}' must not be empty`);
    if (tokens.length > contextTokens) tooLong(String(tokens.length));
    return tokens;
  });
  return { inputs, base64 };
}

function readTokens(entry: unknown, name: string, vocabularyTokens: number): Token[] {
  const valid =
    Array.isArray(entry) &&
    entry.every((token) => Number.isInteger(token) && token >= 0 && token < vocabularyTokens);
  return valid ? (entry as Token[]) : refuse(`'${name}' must be a string or tokens of the vocabulary`);
}

/** Little-endian 32-bit floats, which is what every machine that we run on has in memory. */
const base64Of = (vector: Float32Array): string =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
