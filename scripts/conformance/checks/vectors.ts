import type { EmbeddingList } from "../../../shared/contracts/embeddings.ts";
import { decodeVector } from "../../../shared/contracts/vector.ts";
import type { Check } from "../check.ts";
import { judge } from "../outcome.ts";
import { lacking } from "../trouble.ts";

const TEXTS = ["A river runs to the sea.", "The stock market fell today.", "Streams flow into the ocean."];
/** What rounding to float32, and a batch of another size, may change of a cosine. */
const SAME = 0.999;

/** Embeddings and reranking. */
export const vectorChecks: readonly Check[] = [
  {
    id: "embeddings",
    title: "embeds texts, in their order",
    feature: "embedding",
    async run(lab) {
      const list = await lab.embedding("embeddings", { input: TEXTS });
      if (!list.ok) return lacking(list.error);
      const back = await lab.embedding("embeddings-back", { input: TEXTS.toReversed() });
      if (!back.ok) return lacking(back.error);
      const vectors = vectorsOf(list.value);
      const turned = vectorsOf(back.value).toReversed();
      const [first = [], other = [], like = []] = vectors;
      return judge(`${vectors.length} of ${first.length} dimensions`, [
        [vectors.length === TEXTS.length, `${vectors.length} vectors for ${TEXTS.length} texts`],
        [
          first.length > 1 && vectors.every(({ length }) => length === first.length),
          `dimensions ${vectors.map(({ length }) => length).join()}`,
        ],
        [
          vectors.every((vector, at) => cosine(vector, turned[at] ?? []) > SAME),
          "in another order, other vectors",
        ],
        [cosine(first, other) < SAME && cosine(first, like) < SAME, "other texts, the same vector"],
        [list.value.usage.prompt_tokens > 0, "it tells no usage"],
      ]);
    },
  },
  {
    id: "embeddings-base64",
    title: "gives vectors that base64 can be made of",
    feature: "embedding",
    async run(lab) {
      const numbers = await lab.embedding("embeddings", { input: TEXTS[0] });
      const text = await lab.embedding("embeddings-base64", { input: TEXTS[0], encoding_format: "base64" });
      if (!numbers.ok) return lacking(numbers.error);
      if (!text.ok) return lacking(text.error);
      const [vector = []] = vectorsOf(numbers.value);
      const [same = []] = vectorsOf(text.value);
      const own = typeof text.value.data[0]?.embedding === "string";
      return judge(own ? "by the engine" : "by the platform", [
        [cosine(vector, same) > SAME, "not the same vector"],
      ]);
    },
  },
  {
    id: "rerank",
    title: "ranks documents",
    feature: "rerank",
    async run(lab) {
      const said = await lab.rerank("rerank", {
        query: "Where do rivers end?",
        documents: TEXTS,
        top_n: 2,
      });
      if (!said.ok) return lacking(said.error);
      const { results, usage } = said.value;
      const scores = results.map(({ relevance_score: score }) => score);
      return judge(results.map(({ index }) => index).join(), [
        [results.length === 2, `${results.length} of 2 results`],
        [scores.every((score, at) => at === 0 || score <= (scores[at - 1] ?? 0)), "not the best first"],
        [usage.prompt_tokens > 0, "it tells no usage"],
      ]);
    },
  },
];

const vectorsOf = (list: EmbeddingList): number[][] =>
  list.data.map(({ embedding }) => decodeVector(embedding));

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
