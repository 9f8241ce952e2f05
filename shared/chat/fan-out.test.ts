import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineCall } from "../engines/engine.ts";
import { engines } from "../engines/engines.ts";
import { answerChoices, encodeChoices, requestsFor, splitChoices } from "./fan-out.ts";
import { joinChatAnswers } from "./join-answers.ts";

const messages: ChatRequest["messages"] = [{ role: "user", content: "Hello" }];
const chat = (more: Partial<ChatRequest> = {}): ChatRequest => ({ model: "m", messages, ...more });
const call = (body: ChatRequest): EngineCall<ChatRequest> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model: { names: ["m:latest", "m"] },
  requestId: "req_1",
});

describe("a request of several choices", () => {
  it("is so many requests of one, each as the caller wrote it", () => {
    const body = chat({ n: 3, temperature: 0.5, stream: true, top_k: 3 });
    const { n: _, ...each } = body;
    expect(splitChoices(body)).toEqual([each, each, each]);
  });

  it.each<[more: Partial<CompletionRequest>, best: number | undefined]>([
    [{ n: 2, best_of: 2 }, undefined],
    [{ n: 2, best_of: 1 }, undefined],
    [{ n: 2, best_of: 3 }, 3],
  ])("asks for the best of more only where %j says so", (more, best) => {
    for (const each of splitChoices<CompletionRequest>({ model: "m", prompt: "a", ...more }))
      expect(each.best_of).toBe(best);
  });

  const seeds = fc.oneof(
    fc.maxSafeInteger(),
    fc.constantFrom(0, -1, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 63)),
  );
  it("has another seed for each choice, and the caller's own for the first", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 128 }), (seed, n) => {
        const split = splitChoices(chat({ n, seed }));
        expect(split).toHaveLength(n);
        expect(split[0]?.seed).toBe(seed);
        expect(new Set(split.map((each) => each.seed)).size).toBe(n);
        expect(split.every((each) => Number.isInteger(each.seed) && !("n" in each))).toBe(true);
      }),
    );
  });

  it("has no seed where the caller gave none", () => {
    for (const seed of [undefined, null])
      for (const each of splitChoices(chat({ n: 2, seed }))) expect(each).not.toHaveProperty("seed");
  });

  it.each<[n: number | null | undefined, gateway: number]>([
    [undefined, 1],
    [null, 1],
    [1, 1],
    [4, 4],
  ])("of n %s is %s to an engine that makes one at a time, and one to all others", (n, requests) => {
    const { abilities } = engines.vllm;
    expect(requestsFor({ ...abilities, several_choices: "gateway" }, chat({ n }))).toBe(requests);
    expect(requestsFor({ ...abilities, several_choices: "engine" }, chat({ n }))).toBe(1);
    expect(requestsFor({ ...abilities, several_choices: "refused" }, chat({ n }))).toBe(1);
  });
});

describe("several choices of an engine that makes one at a time", () => {
  it("are requests that it takes, each under an id of its own where the engine is told one", () => {
    const encoded = encodeChoices(engines.ollama.chat, call(chat({ n: 2, seed: 5 })));
    const sent = encoded.ok ? encoded.value.map(({ body }) => JSON.parse(body) as unknown) : [];
    expect(sent).toMatchObject([{ options: { seed: 5 } }, { options: { seed: 6 } }]);
    const told = encodeChoices(engines.vllm.chat, call(chat({ n: 2 })));
    expect(told.ok && told.value.map(({ headers }) => headers?.["x-request-id"])).toEqual([
      "req_1",
      "req_1-1",
    ]);
    expect(told.ok && told.value.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { model: "m:latest", messages },
      { model: "m:latest", messages },
    ]);
  });

  it("are refused as one of them would be", () => {
    expect(encodeChoices(engines.ollama.chat, call(chat({ n: 2, logit_bias: { 1: 1 } })))).toMatchObject({
      ok: false,
      error: { kind: "unsupported", param: "logit_bias" },
    });
  });

  const said = (content: string) => ({
    message: { role: "assistant", content },
    done: true,
    done_reason: "stop",
    prompt_eval_count: 4,
    eval_count: 2,
  });
  const read = (jsons: readonly unknown[]) =>
    answerChoices(engines.ollama.chat, call(chat({ n: 2 })), jsons, 5_000, joinChatAnswers);

  it("are one answer", () => {
    expect(read([said("a"), said("b")])).toMatchObject({
      ok: true,
      value: {
        id: "chatcmpl-req_1",
        created: 5,
        model: "m",
        choices: [
          { index: 0, message: { content: "a" } },
          { index: 1, message: { content: "b" } },
        ],
        usage: { prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 },
      },
    });
  });

  it.each<[what: string, jsons: readonly unknown[]]>([
    ["one of them failed", [said("a"), { error: "out of memory" }]],
    ["one of them is missing", [said("a")]],
    ["all are", []],
  ])("are none where %s", (_, jsons) => {
    expect(read(jsons)).toMatchObject({ ok: false, error: { class: "failure" } });
  });
});
