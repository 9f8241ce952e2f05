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

const CHATS = ["chat", "chat-stream"];
const BEYOND_TEXT = ["chat-stream-usage", "tools", "tools-stream", "reasoning-stream", "json", "embeddings"];

/** What a kind has no recording of: it drops what is asked for without a word, or does not have it at all. */
const LACKED: Partial<Record<SimulatedKind, readonly string[]>> = {
  deepspeed: BEYOND_TEXT,
  "deepspeed-native": [...CHATS, ...BEYOND_TEXT],
  "deepspeed-rest": [...CHATS, ...BEYOND_TEXT, "error-midstream"],
  lmdeploy: ["embeddings"],
  tgi: ["embeddings"],
  triton: [...BEYOND_TEXT, "chat", "chat-stream"],
};

const namesOf = (kind: SimulatedKind): string[] => NAMES.filter((name) => !LACKED[kind]?.includes(name));

/** Kinds that have another status for a mistake. */
const STATUSES: Partial<Record<SimulatedKind, Readonly<Record<string, number>>>> = {
  deepspeed: { "error-404": 400 },
  "deepspeed-native": { "error-400": 422 },
  tgi: { "error-400": 422 },
};

describe.each(Object.keys(kinds) as SimulatedKind[])("recordings of %s", (kind) => {
  it("are the whole list, each an HTTP answer, and the same every time", async () => {
    const first = await record(kind);
    const ranks = "POST /v1/rerank" in kinds[kind].routes;
    expect(first.map(({ name }) => name)).toEqual([...namesOf(kind), ...(ranks ? ["rerank"] : [])]);
    for (const { name, bytes } of first) {
      const usual = name === "error-400" ? 400 : name === "error-404" ? 404 : 200;
      const status = STATUSES[kind]?.[name] ?? usual;
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
    // The whole answer that a stream is made of has no mark, nor have the streams of Triton.
    const all = ["deepspeed-rest", "triton"].includes(kind) ? [] : namesOf(kind);
    const streams = all
      .filter((name) => name.includes("stream") && name !== "error-midstream")
      // Its native streams have no mark.
      .filter((name) => !(kind === "tgi" && name === "completion-stream"));
    const marked = ["deepspeed", "deepspeed-native", "lmdeploy", "sglang", "tgi", "vllm"].includes(kind);
    expect(done).toEqual(marked ? [...streams, "error-midstream"] : streams);
  });
});
