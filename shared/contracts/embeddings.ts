import { z } from "zod";

// OpenAI's embeddings: https://platform.openai.com/docs/api-reference/embeddings/create

/** A text, several texts, or token ids where the engine takes them. */
export const EmbeddingInput = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1).max(2048),
  z.array(z.int().min(0)).min(1).max(2048),
  z
    .array(z.array(z.int().min(0)).min(1))
    .min(1)
    .max(2048),
]);
export type EmbeddingInput = z.infer<typeof EmbeddingInput>;

/** `POST /v1/embeddings`. */
export const EmbeddingRequest = z
  .looseObject({
    model: z.string().min(1).meta({ example: "all-minilm-l6-v2" }),
    input: EmbeddingInput.meta({
      description: "A text or several, or token ids where the engine takes them.",
    }),
    encoding_format: z
      .enum(["float", "base64"])
      .nullish()
      .meta({ description: "Numbers, or base64 of little-endian float32." }),
    dimensions: z.int().min(1).nullish().meta({ description: "Shorter vectors, where the model can." }),
    user: z.string().nullish(),
  })
  .meta({ id: "EmbeddingRequest" });
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>;

/** The vectors, in the order of the inputs. */
export const EmbeddingList = z
  .looseObject({
    object: z.literal("list"),
    model: z.string(),
    data: z.array(
      z.looseObject({
        object: z.literal("embedding"),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]).meta({
          description: "Numbers, or with encoding_format base64 the same as little-endian float32.",
        }),
      }),
    ),
    usage: z.looseObject({ prompt_tokens: z.int().min(0), total_tokens: z.int().min(0) }),
  })
  .meta({ id: "EmbeddingList" });
export type EmbeddingList = z.infer<typeof EmbeddingList>;
