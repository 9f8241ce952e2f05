/**
 * The first bytes of a GGUF file: magic, version, and how many tensors and metadata entries follow.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#file-structure
 */
export const GGUF_HEADER_BYTES = 24;

/** The least that one takes: name's length, dimensions, type and offset; key's length, type and value. */
const TENSOR_BYTES_MIN = 24n;
const ENTRY_BYTES_MIN = 13n;

/**
 * What shows at once that a file cannot be a model, in words that follow its name; undefined where nothing does.
 * llama.cpp's reader believes the counts, and reads a file of garbage for ever, with growing memory.
 */
export function headerComplaint(header: Buffer, sizeBytes: number): string | undefined {
  if (header.subarray(0, 4).toString("latin1") !== "GGUF") return "is not a GGUF file";
  if (header.length < GGUF_HEADER_BYTES) return "is a GGUF file that has been cut off";
  const version = header.readUInt32LE(4);
  if (version !== 2 && version !== 3) return `is of GGUF version ${version}, only 2 and 3 can be read`;
  const [tensors, entries] = [header.readBigUInt64LE(8), header.readBigUInt64LE(16)];
  if (tensors === 0n) return "is a GGUF file without weights";
  const leastBytes = BigInt(GGUF_HEADER_BYTES) + tensors * TENSOR_BYTES_MIN + entries * ENTRY_BYTES_MIN;
  return leastBytes > BigInt(sizeBytes) ? "is a GGUF file that is damaged or has been cut off" : undefined;
}
