import { describe, expect, it } from "vitest";
import { kinds } from "./kinds/registry.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import { record } from "./recording.ts";

const NAMES = [
  "chat",
  "chat-stream",
  "chat-stream-usage",
  "tools",
  "tools-stream",
  "reasoning-stream",
  "json",
  "completion",
  "completion-stream",
  "embeddings",
  "models",
  "error-400",
  "error-404",
  "error-midstream",
  "cut",
];

describe.each(Object.keys(kinds) as SimulatedKind[])("recordings of %s", (kind) => {
  it("are the whole list, each an HTTP answer, and the same every time", async () => {
    const first = await record(kind);
    expect(first.map(({ name }) => name)).toEqual(NAMES);
    for (const { name, bytes } of first) {
      const status = name === "error-400" ? 400 : name === "error-404" ? 404 : 200;
      expect(bytes.toString().startsWith(`HTTP/1.1 ${status} `), `${name}: ${bytes.subarray(0, 40)}`).toBe(
        true,
      );
      expect(bytes.includes("\r\n\r\n")).toBe(true);
    }
    expect(await record(kind)).toEqual(first);
  });

  it("end in the end marker where the answer was complete and nowhere else", async () => {
    const done = (await record(kind))
      .filter(({ bytes }) => /\[DONE\]\s*$|"done":true[^\n]*\n$/.test(bytes.toString()))
      .map(({ name }) => name);
    const streams = NAMES.filter((name) => name.includes("stream") && name !== "error-midstream");
    expect(done).toEqual(kind === "vllm" ? [...streams, "error-midstream"] : streams);
  });
});
