import { describe, expect, it } from "vitest";
import { relevance } from "./model/relevance.ts";
import { post, withSimulator } from "./testing.ts";

const documents = ["The tax form is due in May", "A kitten is a young cat", "Dogs chase cats"];
const asked = { model: "sim-model", query: "What is a kitten?", documents };

describe("how well a text fits a query", () => {
  it("is between 0 and 1, most for the same words, and the same every time", () => {
    const [query = ""] = documents;
    for (const text of [...documents, ""]) {
      expect(relevance(query, text)).toBe(relevance(query, text));
      expect(relevance(query, text)).toBeGreaterThanOrEqual(0);
      expect(relevance(query, text)).toBeLessThanOrEqual(relevance(query, query));
    }
    expect(relevance(query, query)).toBe(1);
  });
});

describe("a ranking", () => {
  it("of vLLM repeats the documents, unasked, and knows no objects", () =>
    withSimulator({ kind: "vllm" }, async (sim) => {
      const { text } = await post(sim, "/v1/rerank", { ...asked, top_n: 1 });
      expect(JSON.parse(text)).toEqual({
        id: expect.stringMatching(/^rerank-[0-9a-f]{32}$/),
        model: "sim-model",
        usage: { prompt_tokens: 31, total_tokens: 31 },
        results: [
          {
            index: 1,
            document: { text: documents[1], multi_modal: null },
            relevance_score: expect.any(Number),
          },
        ],
      });
      expect((await post(sim, "/rerank", { ...asked, documents: [{ text: "a" }] })).status).toBe(400);
      expect((await post(sim, "/v1/rerank", { ...asked, model: "x" })).status).toBe(404);
    }));

  it("of llama.cpp has logits, no documents, and another form where the texts have another name", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const jina = JSON.parse((await post(sim, "/v1/rerank", asked)).text);
      expect(Object.keys(jina)).toEqual(["model", "object", "usage", "results"]);
      expect(Object.keys(jina.results[0])).toEqual(["index", "relevance_score"]);
      expect(
        Math.min(...jina.results.map((each: { relevance_score: number }) => each.relevance_score)),
      ).toBeLessThan(0);
      const { query } = asked;
      const tei = JSON.parse(
        (await post(sim, "/rerank", { query, texts: documents, return_text: true })).text,
      );
      expect(tei[0]).toEqual({ index: 1, score: jina.results[0].relevance_score, text: documents[1] });
    }));

  it("of a server that follows Jina repeats the documents unless told not to, objects or texts", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const mixed = { ...asked, documents: [documents[0], { text: documents[1] }] };
      const told = JSON.parse((await post(sim, "/v1/rerank", mixed)).text);
      expect(told.results[0]).toMatchObject({ index: 1, document: { text: documents[1] } });
      const plain = JSON.parse((await post(sim, "/v1/rerank", { ...mixed, return_documents: false })).text);
      expect(plain.results[0]).not.toHaveProperty("document");
    }));

  it.each([
    ["vllm", 404, '{"detail":"Not Found"}'],
    ["llama-cpp", 501, "Start it with `--reranking`"],
    ["openai", 404, "Invalid URL (POST /v1/rerank)"],
    ["ollama", 404, "404 page not found"],
  ] as const)("is refused by %s in its own way where it has none", (kind, status, words) =>
    withSimulator({ kind, lacks: ["rerank"] }, async (sim) => {
      const heard = await post(sim, "/v1/rerank", asked);
      expect(heard.status).toBe(status);
      expect(heard.text).toContain(words);
    }),
  );

  it.each([
    ["vllm", { ...asked, query: undefined }],
    ["llama-cpp", { ...asked, query: undefined }],
    ["llama-cpp", { ...asked, query: 1 }],
    ["llama-cpp", { ...asked, documents: [] }],
    ["llama-cpp", { ...asked, documents: [{ text: "a" }] }],
    ["openai", { ...asked, documents: [] }],
    ["openai", { ...asked, query: "" }],
  ] as const)("is refused by %s for %j", (kind, body) =>
    withSimulator({ kind }, async (sim) => {
      expect((await post(sim, "/v1/rerank", body)).status).toBe(400);
    }),
  );
});
