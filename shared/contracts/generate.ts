import { z } from "zod";
import { ChatMessage, FinishReason } from "./chat.ts";
import { CAPABILITY_PREFIX } from "./admin-models.ts";
import { Stop, Usage } from "./common.ts";

// Our own short forms of chat completions and embeddings. They are strict: what is not named here is refused.

/** `POST /api/v1/ai/generate`: a prompt or a conversation, and how it is answered. */
export const GenerateRequest = z
  .strictObject({
    prompt: z.string().min(1).optional().meta({
      description: "What the model is told; or else `messages`.",
      example: "What is the capital of France?",
    }),
    messages: z
      .array(ChatMessage)
      .min(1)
      .optional()
      .meta({ description: "The conversation so far, oldest first; or else `prompt`." }),
    system: z.string().min(1).optional().meta({
      description: "What the model is told before all else; not beside `messages` that have such a message.",
    }),
    model: z.string().min(1).default("default").meta({
      description: "A model of GET /v1/models, or the first of all.",
    }),
    max_tokens: z.int().min(1).optional().meta({ description: "Most tokens of the answer." }),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    stop: Stop.optional(),
    seed: z.int().optional(),
    stream: z.boolean().optional().meta({
      description: "Send the answer as it is made, in the events of a streamed chat completion.",
    }),
  })
  .meta({ id: "GenerateRequest" });
export type GenerateRequest = z.infer<typeof GenerateRequest>;

/** The whole answer, when `stream` is off. */
export const Generation = z
  .object({
    object: z.literal("generation"),
    id: z.string().meta({ example: "gen-5f3c9a" }),
    text: z.string(),
    reasoning: z.string().optional().meta({
      description: "The model's reasoning, where the engine separates it.",
    }),
    model: z.string(),
    engine: z.string().optional().meta({ description: "To operators: the engine that answered." }),
    finish_reason: FinishReason,
    usage: Usage,
    latency_ms: z.int().meta({ description: "From the request's arrival to this answer." }),
    created: z.int().meta({ description: "Seconds since 1970." }),
  })
  .meta({ id: "Generation" });
export type Generation = z.infer<typeof Generation>;

const Text = z.string().min(1);

/** `POST /api/v1/ai/embed`: one text or several. */
export const EmbedRequest = z
  .strictObject({
    text: Text.optional().meta({ description: "One text; or else `texts`." }),
    texts: z
      .array(Text)
      .min(1)
      .max(2048)
      .optional()
      .meta({ description: "Several texts; or else `text`.", example: ["a kitten", "a cat"] }),
    model: z
      .string()
      .min(1)
      .default(`${CAPABILITY_PREFIX}embedding`)
      .meta({ description: "A model of GET /v1/models, or the first of all that embed." }),
  })
  .meta({ id: "EmbedRequest" });
export type EmbedRequest = z.infer<typeof EmbedRequest>;
