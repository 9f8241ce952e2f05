import { z } from "zod";

// Cohere's and Jina's rerank, as vLLM, SGLang and llama.cpp serve it: https://docs.cohere.com/reference/rerank

const Document = z.union([z.string().min(1), z.looseObject({ text: z.string().min(1) })]);

/** `POST /v1/rerank`. */
export const RerankRequest = z
  .looseObject({
    model: z.string().min(1).meta({ example: "bge-reranker-v2-m3" }),
    query: z.string().min(1).meta({
      description: "What the documents are ranked for.",
      example: "What is the capital of France?",
    }),
    documents: z
      .array(Document)
      .min(1)
      .max(2048)
      .meta({
        description: "Texts, or objects with a `text`.",
        example: ["Lyon lies on the Rhone.", "Paris is the capital of France."],
      }),
    top_n: z.int().min(1).nullish().meta({ description: "Only so many of the best; all where absent." }),
    return_documents: z
      .boolean()
      .nullish()
      .meta({ description: "Send each document back beside its score, as it came." }),
    user: z.string().nullish(),
  })
  .meta({ id: "RerankRequest" });
export type RerankRequest = z.infer<typeof RerankRequest>;

/** The documents by their relevance, best first. */
export const Reranking = z
  .looseObject({
    id: z.string(),
    model: z.string(),
    results: z.array(
      z.looseObject({
        index: z.int().min(0).meta({ description: "The document's place in the request.", example: 1 }),
        relevance_score: z
          .number()
          .meta({ description: "Higher is better; only comparable within one model." }),
        document: z.looseObject({ text: z.string() }).optional(),
      }),
    ),
    usage: z.looseObject({
      prompt_tokens: z.int().min(0),
      total_tokens: z.int().min(0),
      estimated: z.literal(true).optional(),
    }),
  })
  .meta({ id: "Reranking" });
export type Reranking = z.infer<typeof Reranking>;
