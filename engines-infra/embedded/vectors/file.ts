/**
 * A small file of word vectors: one JSON line, the words (one a line, the most frequent first), a scale per word, and
 * a signed byte per dimension. Little-endian.
 */

export type WordVectors = {
  description: string;
  dimensions: number;
  /** Ordered by how frequent they are. */
  words: readonly string[];
  /** A word's vector is its bytes times its scale. */
  scales: Float32Array;
  /** `words.length * dimensions`, row by row. */
  bytes: Int8Array;
};

type Header = {
  format: "eco-word-vectors";
  version: 1;
  description: string;
  dimensions: number;
  words: number;
  textBytes: number;
};

export function encodeVectors(vectors: WordVectors): Uint8Array {
  const text = Buffer.from(vectors.words.join("\n"));
  const header: Header = {
    format: "eco-word-vectors",
    version: 1,
    description: vectors.description,
    dimensions: vectors.dimensions,
    words: vectors.words.length,
    textBytes: text.length,
  };
  return Buffer.concat([
    Buffer.from(`${JSON.stringify(header)}\n`),
    text,
    Buffer.from(vectors.scales.buffer, vectors.scales.byteOffset, vectors.scales.byteLength),
    Buffer.from(vectors.bytes.buffer, vectors.bytes.byteOffset, vectors.bytes.byteLength),
  ]);
}

/** Throws where the bytes are not such a file. */
export function decodeVectors(file: Buffer): WordVectors {
  const line = file.subarray(0, file.indexOf("\n")).toString("utf8");
  const header = JSON.parse(line) as Header;
  const textAt = Buffer.byteLength(line) + 1;
  const scalesAt = textAt + header.textBytes;
  const bytesAt = scalesAt + header.words * 4;
  const end = bytesAt + header.words * header.dimensions;
  if (header.format !== "eco-word-vectors" || file.length !== end)
    throw new Error("not a file of word vectors");
  return {
    description: header.description,
    dimensions: header.dimensions,
    words: file.subarray(textAt, scalesAt).toString("utf8").split("\n"),
    scales: new Float32Array(new Uint8Array(file.subarray(scalesAt, bytesAt)).buffer),
    bytes: new Int8Array(new Uint8Array(file.subarray(bytesAt, end)).buffer),
  };
}

/** Rounds vectors to bytes, each with the scale that its largest number needs. */
export function quantized(
  description: string,
  entries: ReadonlyArray<readonly [word: string, vector: readonly number[]]>,
): WordVectors {
  const dimensions = entries[0]?.[1].length ?? 0;
  const scales = new Float32Array(entries.length);
  const bytes = new Int8Array(entries.length * dimensions);
  for (const [row, [, vector]] of entries.entries()) {
    const scale = Math.max(...vector.map(Math.abs)) / 127;
    scales[row] = scale;
    for (const [column, value] of vector.entries())
      bytes[row * dimensions + column] = scale === 0 ? 0 : Math.round(value / scale);
  }
  return { description, dimensions, words: entries.map(([word]) => word), scales, bytes };
}
