/** Reads safetensors files: a JSON header, then raw tensors. Format: https://github.com/huggingface/safetensors#format */
import { open } from "node:fs/promises";

const HEADER_BYTES_MAX = 16 * 1024 * 1024;

type TensorEntry = { dtype: string; shape: number[]; data_offsets: [number, number] };

/** An opened file; `read` loads one tensor of 32-bit floats, row-major. Throws where the file is not what it should be. */
export type Safetensors = {
  names: readonly string[];
  shape(name: string): readonly number[];
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
};

export async function openSafetensors(path: string): Promise<Safetensors> {
  const file = await open(path, "r");
  try {
    const length = Buffer.alloc(8);
    await file.read(length, 0, 8, 0);
    const headerBytes = Number(length.readBigUInt64LE());
    if (headerBytes < 2 || headerBytes > HEADER_BYTES_MAX)
      throw new Error(`${path} is not a safetensors file`);
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 8);
    const entries = JSON.parse(header.toString("utf8")) as Record<string, TensorEntry>;
    const entry = (name: string): TensorEntry => {
      const found = entries[name];
      if (!found) throw new Error(`${path} has no tensor ${name}`);
      return found;
    };
    return {
      names: Object.keys(entries).filter((name) => name !== "__metadata__"),
      shape: (name) => entry(name).shape,
      async read(name) {
        const { dtype, data_offsets } = entry(name);
        if (dtype !== "F32") throw new Error(`tensor ${name} is ${dtype}, expected F32`);
        const weights = new Float32Array((data_offsets[1] - data_offsets[0]) / 4);
        const bytes = new Uint8Array(weights.buffer);
        const { bytesRead } = await file.read(bytes, 0, bytes.length, 8 + headerBytes + data_offsets[0]);
        if (bytesRead !== bytes.length) throw new Error(`${path} ends inside tensor ${name}`);
        return weights;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
