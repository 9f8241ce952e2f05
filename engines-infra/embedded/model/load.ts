/** Opens the model files and puts them behind the ports. */
import { readFile, stat } from "node:fs/promises";
import { decodeVectors } from "../vectors/file.ts";
import { StaticEmbeddingModel } from "../vectors/static-embedding-model.ts";
import type { LlamaModel, LlamaRuntime } from "./llama-api.ts";
import { LlamaEmbeddingModel } from "./llama-embedding-model.ts";
import { LlamaLanguageModel } from "./llama-language-model.ts";
import { modelIdOf } from "./model-id.ts";
import type { EmbeddingModel, LanguageModel, ModelCard } from "./port.ts";
import type { Turns } from "./turns.ts";

/** llama.cpp's `llama_vocab_type`. */
const VOCABULARY_TYPES: Readonly<Record<string, number>> = {
  none: 0,
  spm: 1,
  bpe: 2,
  wpm: 3,
  ugm: 4,
  rwkv: 5,
};

/**
 * Asked for the capital of France under its template's own system message ("You are a helpful AI assistant named
 * SmolLM"), this model recites French landmarks; under this shorter one it says Paris.
 */
const SYSTEM_DEFAULTS: Readonly<Record<string, string>> = {
  "smollm2-135m-instruct": "You are a helpful assistant.",
};

export type LanguageModelSettings = {
  path: string;
  threads: number;
  slots: number;
  contextTokensMax: number;
  turns: Turns;
};

export async function loadLanguageModel(
  runtime: LlamaRuntime,
  settings: LanguageModelSettings,
): Promise<LanguageModel> {
  const model = await runtime.llama.loadModel({ modelPath: settings.path });
  const contextTokens = Math.min(settings.contextTokensMax, model.trainContextSize);
  const context = await model.createContext({
    contextSize: contextTokens,
    sequences: settings.slots,
    threads: settings.threads,
    batchSize: 512,
  });
  return new LlamaLanguageModel(runtime, model, context, {
    card: cardOf(model, settings.path, context.contextSize),
    slots: settings.slots,
    turns: settings.turns,
    systemDefault: SYSTEM_DEFAULTS[modelIdOf(settings.path)],
  });
}

export type EmbeddingModelSettings = { path: string; threads: number; turns: Turns };

/** A GGUF encoder on llama.cpp, or a file of word vectors. */
export async function loadEmbeddingModel(
  runtime: LlamaRuntime,
  settings: EmbeddingModelSettings,
): Promise<EmbeddingModel> {
  const { path, threads, turns } = settings;
  if (path.endsWith(".vectors")) {
    const { size } = await stat(path);
    return new StaticEmbeddingModel(decodeVectors(await readFile(path)), {
      id: modelIdOf(path),
      path,
      sizeBytes: size,
    });
  }
  const model = await runtime.llama.loadModel({ modelPath: path });
  const inputTokensMax = model.trainContextSize;
  // An encoder sees its whole input at once, so the batch must hold it. The context is one token larger than what we
  // accept, because node-llama-cpp refuses inputs that fill it.
  const contextSize = inputTokensMax + 1;
  const context = await model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads });
  return new LlamaEmbeddingModel(model, context, cardOf(model, path, inputTokensMax), turns);
}

function cardOf(model: LlamaModel, path: string, contextTokens: number): ModelCard {
  const { general } = model.fileInfo.metadata;
  const tensors = model.fileInfo.tensorInfo ?? [];
  return {
    id: modelIdOf(path),
    description: general?.description ?? general?.name ?? "",
    path,
    sizeBytes: model.size,
    parameters: tensors.reduce(
      (sum, { dimensions }) => sum + dimensions.reduce<number>((product, size) => product * Number(size), 1),
      0,
    ),
    vocabularyTokens: [...model.iterateAllTokens()].length,
    vocabularyType: VOCABULARY_TYPES[model.vocabularyType] ?? 0,
    contextTokens,
    trainContextTokens: model.trainContextSize,
    embeddingLength: model.embeddingVectorSize,
    weightType: model.typeDescription,
  };
}
