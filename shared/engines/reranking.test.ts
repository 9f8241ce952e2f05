import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RerankRequest } from "../contracts/rerank.ts";
import { Reranking } from "../contracts/rerank.ts";
import type { EngineCall } from "./engine.ts";
import { engines } from "./engines.ts";
import { readReranking } from "./reranking.ts";

const call = (more: Partial<RerankRequest> = {}, ownedBy?: string): EngineCall<RerankRequest> => {
  const body = { model: "m", query: "a cat", documents: ["a kitten", "a tax form", "a dog"], ...more };
  const model = { names: ["m"], ...(ownedBy !== undefined && { ownedBy }) };
  return { body, text: JSON.stringify(body), engine: "box", model, requestId: "req_1" };
};
const scored = (...scores: number[]) => scores.map((relevance_score, index) => ({ index, relevance_score }));
const usage = { prompt_tokens: 12, total_tokens: 12 };
const read = (json: unknown, more: Partial<RerankRequest> = {}) => {
  const result = readReranking(json, call(more));
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};
const order = (json: unknown, more: Partial<RerankRequest> = {}) =>
  read(json, more).results.map(({ index }) => index);

describe("an engine's ranking", () => {
  it("comes in one form, best first, whatever the engine sorted", () => {
    expect(read({ model: "other", results: scored(0.2, 0.9, 0.5), usage })).toEqual({
      id: "rerank-req_1",
      model: "m",
      results: [
        { index: 1, relevance_score: 0.9 },
        { index: 2, relevance_score: 0.5 },
        { index: 0, relevance_score: 0.2 },
      ],
      usage,
    });
  });

  it.each<[what: string, json: unknown]>([
    ["in results, as vLLM, llama.cpp and Jina write it", { results: scored(1, 3, 2) }],
    ["in data, as some hosted APIs do", { data: scored(1, 3, 2) }],
    [
      "in a bare list with other names, as SGLang does",
      [
        { index: 0, score: 1, document: "a kitten" },
        { index: 1, score: 3 },
        { index: 2, score: 2 },
      ],
    ],
  ])("is read %s", (_, json) => {
    expect(order(json)).toEqual([1, 2, 0]);
  });

  it.each<[more: Partial<RerankRequest>, indices: number[]]>([
    [{}, [1, 2, 0]],
    [{ top_n: null }, [1, 2, 0]],
    [{ top_n: 1 }, [1]],
    [{ top_n: 2 }, [1, 2]],
    [{ top_n: 99 }, [1, 2, 0]],
  ])("with %j has the documents %j", (more, indices) => {
    expect(order({ results: scored(1, 3, 2) }, more)).toEqual(indices);
  });

  it("repeats the documents as the caller wrote them, and only where asked to", () => {
    const documents = ["a kitten", { text: "a tax form", title: "Form 1040" }];
    const results = scored(1, 2).map((each) => ({ ...each, document: { text: "of the engine" } }));
    expect(read({ results }, { documents, return_documents: true }).results).toEqual([
      { index: 1, relevance_score: 2, document: { text: "a tax form", title: "Form 1040" } },
      { index: 0, relevance_score: 1, document: { text: "a kitten" } },
    ]);
    expect(JSON.stringify(read({ results }, { documents }).results)).not.toContain("document");
  });

  it.each<[what: string, told: unknown, prompt: number, estimated: boolean]>([
    ["both counts", { prompt_tokens: 12, total_tokens: 12 }, 12, false],
    ["the sum alone", { total_tokens: 12 }, 12, false],
    ["nothing", undefined, 13, true],
    ["zero, which is no count", { total_tokens: 0 }, 13, true],
  ])("tells its usage where the engine says %s", (_, told, prompt, estimated) => {
    expect(read({ results: scored(1, 3, 2), usage: told }).usage).toEqual({
      prompt_tokens: prompt,
      total_tokens: prompt,
      ...(estimated && { estimated: true }),
    });
  });

  it.each<[what: string, json: unknown]>([
    ["a document is missing", { results: scored(1, 2) }],
    ["a document comes twice", { results: [...scored(1, 2), { index: 0, relevance_score: 3 }] }],
    ["there are more than were sent", { results: scored(1, 2, 3, 4) }],
    ["an index is none", { results: [...scored(1, 2), { index: 7, relevance_score: 3 }] }],
    ["an index is half a place", { results: [...scored(1, 2), { index: 0.5, relevance_score: 3 }] }],
    ["a score is no number", { results: [...scored(1, 2), { index: 2, relevance_score: null }] }],
    ["there are no results", {}],
    ["it is no object", "ranked"],
    ["it is null", null],
  ])("is a failure of the engine where %s, even if fewer were asked for", (_, json) => {
    expect(readReranking(json, call({ top_n: 1 }))).toEqual({
      ok: false,
      error: { class: "failure", status: 502, message: "it did not rank every document once" },
    });
  });

  it("may be an error inside of a 200, which keeps its words", () => {
    expect(readReranking({ error: { message: "CUDA out of memory" } }, call())).toMatchObject({
      ok: false,
      error: { class: "failure", message: "CUDA out of memory" },
    });
  });
});

describe("the best of any ranking", () => {
  const ranking = fc
    .uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 40 })
    .chain((places) =>
      fc.record({
        order: fc.shuffledSubarray(
          places.map((_, at) => at),
          { minLength: places.length },
        ),
        scores: fc.array(fc.double({ noNaN: true, min: -20, max: 20 }), {
          minLength: places.length,
          maxLength: places.length,
        }),
        top: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
        echo: fc.boolean(),
      }),
    );

  it("is the same however the engine ordered it, never holds a document twice, and fits our contract", () => {
    fc.assert(
      fc.property(ranking, ({ order: places, scores, top, echo }) => {
        const documents = scores.map((_, at) => `document ${at}`);
        const more = { documents, return_documents: echo, ...(top !== undefined && { top_n: top }) };
        const results = places.map((index) => ({ index, relevance_score: scores[index] }));
        const answer = read({ results }, more);
        expect(answer).toEqual(read({ results: results.toReversed() }, more));
        expect(Reranking.safeParse(answer).success).toBe(true);
        expect(answer.results).toHaveLength(Math.min(top ?? documents.length, documents.length));
        expect(new Set(answer.results.map(({ index }) => index)).size).toBe(answer.results.length);
        const given = answer.results.map(({ relevance_score }) => relevance_score);
        expect(given).toEqual(given.toSorted((a, b) => b - a));
        const left = scores.filter((_, at) => answer.results.every(({ index }) => index !== at));
        expect(left.every((score) => score <= Math.min(...given))).toBe(true);
        for (const { index, relevance_score, document } of answer.results) {
          expect(relevance_score).toBe(scores[index]);
          expect(document?.text).toBe(echo ? documents[index] : undefined);
        }
      }),
    );
  });

  it("is never made of a ranking that lacks a document", () => {
    fc.assert(
      fc.property(ranking, fc.nat(), ({ order: places, scores }, at) => {
        const documents = scores.map((_, n) => `document ${n}`);
        const results = places.map((index) => ({ index, relevance_score: scores[index] }));
        expect(
          readReranking({ results: results.toSpliced(at % results.length, 1) }, call({ documents })).ok,
        ).toBe(false);
      }),
    );
  });
});

describe("what an engine is sent", () => {
  const documents = ["a", { text: "b", title: "B" }];
  const sent = (kind: keyof typeof engines, more: Partial<RerankRequest>, ownedBy?: string) => {
    const encoded = engines[kind].rerank?.encode(call(more, ownedBy));
    if (!encoded?.ok) return encoded?.error;
    return { path: encoded.value.path, ...(JSON.parse(encoded.value.body) as object) };
  };
  const base = { path: "/v1/rerank", model: "m", query: "a cat" };

  it.each(["llama-cpp", "vllm"] as const)("is texts alone, and nothing that is done here: %s", (kind) => {
    expect(sent(kind, { documents, top_n: 1, return_documents: true })).toEqual({
      ...base,
      documents: ["a", "b"],
    });
  });

  it("is what the caller wrote for a hosted API, but what is done here", () => {
    const more = { documents, rank_fields: ["title"] };
    expect(sent("openai", { ...more, top_n: 1 })).toEqual({ ...base, ...more });
  });

  it.each(["rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"])(
    "is never a field that it would ignore: %s",
    (field) => {
      for (const kind of ["llama-cpp", "vllm"] as const)
        expect(sent(kind, { [field]: 1 })).toMatchObject({ kind: "unsupported", param: field });
    },
  );

  it("is nothing for the embedded engine, which ranks no documents", () => {
    expect(sent("llama-cpp", {}, "eco-base")).toMatchObject({ kind: "unsupported", param: "model" });
  });
});
