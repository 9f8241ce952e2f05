/** Brings everything together that the embedded engine needs, and says in one line what it cannot get. */
import { join } from "node:path";
import type { Progress } from "../progress/progress.ts";
import { sentenceModel, wordVectors } from "./embedding-model.ts";
import { defaultCacheDir, isWritable } from "./folders.ts";
import { chatModel, checkOwnModel, wiringOnly } from "./language-model.ts";
import { withLock } from "./lock.ts";
import type { AssetProblem, Obtained } from "./problem.ts";
import { ABORTED, obtained, problemOf } from "./problem.ts";
import { obtainRuntime, runtimePackages, thisMachine } from "./runtime.ts";
import { Shelf } from "./shelf.ts";

export type EngineAssets = {
  /** Where the runtime is installed. */
  installDir: string;
  /** The language model's GGUF. Its id in the API is its file name in lower case, without the ending. */
  modelPath: string;
  /** The embedding model's file, where one could be had. */
  embeddingModelPath?: string;
  /** The language model has random weights: fit for trying the wiring, not for answers. */
  isWiringOnly: boolean;
};

export type ObtainOptions = {
  /** The runtime's folder; ours alone. */
  installDir: string;
  /** Models are kept in `<cacheDir>/models`; by default in the user's cache folder. */
  cacheDir?: string;
  /** Models are kept here when the cache cannot be written. */
  fallbackDir: string;
  /** The user's own GGUF, instead of ours. */
  modelPath?: string;
  progress: Progress;
  /** One line each, for the user. */
  log(line: string): void;
  signal: AbortSignal;
  /** Use what is there and fetch nothing. */
  offline?: boolean;
};

export type EngineObtained = { ok: true; assets: EngineAssets } | { ok: false; problem: AssetProblem };

export async function obtainEmbeddedEngine(options: ObtainOptions): Promise<EngineObtained> {
  try {
    const waiting = (holder: string): void =>
      options.log(`another start is fetching the engine, waiting for ${holder}`);
    return await withLock(join(options.installDir, "obtain.lock"), options.signal, waiting, () =>
      obtain(options),
    );
  } catch (error) {
    return options.signal.aborted ? ABORTED : problemOf(error, `use ${options.installDir}`);
  }
}

async function obtain(options: ObtainOptions): Promise<EngineObtained> {
  const { installDir, progress, log, signal, offline = false } = options;
  const packages = runtimePackages(thisMachine());
  if (!packages.ok) return packages;
  const runtime = await obtainRuntime({ installDir, packages: packages.value, progress, signal, offline });
  if (!runtime.ok) return runtime;
  const shelf = new Shelf(await modelFolders(options), { progress, log, signal, offline });
  const language = await obtainLanguage(options, shelf);
  if (!language.ok) return language;
  const embedding = await obtainEmbedding(options, shelf);
  if (!embedding.ok) return embedding;
  return { ok: true, assets: { installDir, ...language.value, embeddingModelPath: embedding.value } };
}

/** Where models may be kept, the best place first. */
async function modelFolders({ cacheDir, fallbackDir, log }: ObtainOptions): Promise<string[]> {
  const cached = join(cacheDir ?? defaultCacheDir(process.platform, process.env), "models");
  if (await isWritable(cached)) return [cached, fallbackDir];
  log(`${cached} cannot be written; models are kept in ${fallbackDir}`);
  // What was put there when it could be written can still be read.
  return [fallbackDir, cached];
}

type Language = { modelPath: string; isWiringOnly: boolean };

async function obtainLanguage({ modelPath, log }: ObtainOptions, shelf: Shelf): Promise<Obtained<Language>> {
  if (modelPath !== undefined) {
    const own = await checkOwnModel(modelPath);
    return own.ok ? obtained({ modelPath: own.value, isWiringOnly: false }) : own;
  }
  const chat = await shelf.obtain(chatModel);
  if (chat.ok) return obtained({ modelPath: chat.value, isWiringOnly: false });
  if (chat.problem.kind === "aborted") return chat;
  log(
    `${chat.problem.line}. Starting with "wiring-only": random weights for trying the wiring, its text has no meaning`,
  );
  log("for real answers start again with a network, or set ECO_MODEL to the path of a GGUF file of your own");
  const wiring = await shelf.obtain(wiringOnly);
  return wiring.ok ? obtained({ modelPath: wiring.value, isWiringOnly: true }) : wiring;
}

/** An engine without embeddings is worth starting, so nothing but an abort is a problem here. */
async function obtainEmbedding(
  { installDir, log }: ObtainOptions,
  shelf: Shelf,
): Promise<Obtained<string | undefined>> {
  const sentence = await shelf.obtain(sentenceModel);
  if (sentence.ok || sentence.problem.kind === "aborted") return sentence;
  const words = await shelf.obtain(wordVectors(join(installDir, "word-vectors")));
  if (words.ok) {
    log(
      `${sentence.problem.line}. Embeddings come from "glove-100d-static": averaged word vectors, weak and English only`,
    );
    return words;
  }
  if (words.problem.kind === "aborted") return words;
  log(`no embedding model: ${sentence.problem.line}; ${words.problem.line}`);
  return obtained(undefined);
}
