import { describe, expect, it } from "vitest";
import { readOptions } from "./options.ts";

const URL_ARGS = ["--kind", "vllm", "--url", "http://127.0.0.1:8000/v1"];

describe("the command line", () => {
  it("needs a kind and a URL alone", () => {
    expect(readOptions(URL_ARGS)).toEqual({
      kind: "vllm",
      url: "http://127.0.0.1:8000/v1",
      timeoutMs: 300_000,
    });
  });

  it("takes models, a key, a folder, a time and a choice of checks", () => {
    const args = ["--model", "m", "--embedding-model", "e", "--rerank-model", "r", "--api-key", "k"];
    const more = ["--out", "folder", "--timeout", "5", "--only", "chat, stop"];
    expect(readOptions([...URL_ARGS, ...args, ...more])).toMatchObject({
      model: "m",
      embeddingModel: "e",
      rerankModel: "r",
      apiKey: "k",
      out: "folder",
      timeoutMs: 5_000,
      only: ["chat", "stop"],
    });
  });

  it.each<[what: string, args: string[], says: RegExp]>([
    ["no kind", ["--url", "http://h"], /--kind must be one of/],
    ["a kind that there is not", ["--kind", "gpt", "--url", "http://h"], /--kind must be one of/],
    ["no URL", ["--kind", "vllm"], /--url/],
    ["a URL of another protocol", ["--kind", "vllm", "--url", "ftp://h"], /--url/],
    ["no time at all", [...URL_ARGS, "--timeout", "0"], /--timeout/],
    ["a check that there is not", [...URL_ARGS, "--only", "chat,poetry"], /no check "poetry"/],
    ["an option that there is not", [...URL_ARGS, "--fast"], /--fast/],
  ])("refuses %s", (_, args, says) => {
    expect(readOptions(args)).toMatch(says);
  });
});
