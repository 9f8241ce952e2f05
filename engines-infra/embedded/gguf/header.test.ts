import { describe, expect, it } from "vitest";
import { headerComplaint } from "./header.ts";
import { wiringOnlyGguf } from "./wiring-only.ts";
import { ggufChunks } from "./writer.ts";

function header(version: number, tensors: bigint, entries: bigint): Buffer {
  const bytes = Buffer.from("GGUF".padEnd(24, "\0"));
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(tensors, 8);
  bytes.writeBigUInt64LE(entries, 16);
  return bytes;
}

describe("GGUF header", () => {
  it("of a model that we write has nothing wrong", async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of ggufChunks(wiringOnlyGguf())) chunks.push(chunk);
    const file = Buffer.concat(chunks);
    expect(headerComplaint(file.subarray(0, 24), file.length)).toBeUndefined();
  });

  it.each<[string, Buffer, number, string | undefined]>([
    ["another file", Buffer.from("PK\u0003\u0004 and a long time nothing"), 1e6, "is not a GGUF file"],
    ["garbage after the magic", Buffer.from("GGUFxxxxxxxx"), 12, "cut off"],
    ["garbage of full length", Buffer.from("GGUF".padEnd(24, "x")), 1e6, "version 2021161080"],
    ["an empty file", Buffer.alloc(0), 0, "is not a GGUF file"],
    ["an old version", header(1, 1n, 1n), 1e6, "version 1"],
    ["no weights", header(3, 0n, 20n), 1e6, "without weights"],
    ["more tensors than fit", header(3, 50_000n, 1n), 1e6, "damaged"],
    ["more metadata than fits", header(2, 1n, 2n ** 63n), 1e6, "damaged"],
    ["a small model", header(2, 1n, 1n), 61, undefined],
  ])("of %s", (_, bytes, sizeBytes, complaint) => {
    const found = headerComplaint(bytes, sizeBytes);
    if (complaint === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(complaint);
  });
});
