/** Reads the GGUF files that tests write. */
import type { GgufFile } from "../gguf/writer.ts";
import { ggufChunks } from "../gguf/writer.ts";

export type ReadGguf = {
  version: number;
  metadata: Record<string, unknown>;
  tensors: Array<{ name: string; shape: number[]; type: number; offset: number }>;
  dataAt: number;
  bytes: Buffer;
};

export async function writtenGguf(file: GgufFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of ggufChunks(file)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function readGguf(bytes: Buffer): ReadGguf {
  let at = 4;
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const u64 = (): number => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const text = (): string => {
    const length = u64();
    return bytes.toString("utf8", at, (at += length));
  };
  const value = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 5) return bytes.readInt32LE((at += 4) - 4);
    if (type === 6) return bytes.readFloatLE((at += 4) - 4);
    if (type === 7) return bytes.readUInt8((at += 1) - 1) === 1;
    if (type === 8) return text();
    if (type !== 9) throw new Error(`value type ${type}`);
    const of = u32();
    return Array.from({ length: u64() }, () => value(of));
  };
  if (bytes.toString("latin1", 0, 4) !== "GGUF") throw new Error("no magic");
  const version = u32();
  const tensorCount = u64();
  const metadata: Record<string, unknown> = {};
  for (let left = u64(); left > 0; left -= 1) metadata[text()] = value(u32());
  const tensors = Array.from({ length: tensorCount }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64);
    return { name, shape, type: u32(), offset: u64() };
  });
  return { version, metadata, tensors, dataAt: Math.ceil(at / 32) * 32, bytes };
}
