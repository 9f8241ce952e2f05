import { z } from "zod";
import { LogitBias, Seed, Stop, StreamOptions, Usage } from "./common.ts";

// OpenAI's legacy completions: https://platform.openai.com/docs/api-reference/completions/create

/** A text, several texts, a prompt of token ids, or several of those. */
export const Prompt = z.union([
  z.string(),
  z.array(z.string()).min(1),
  z.array(z.int().min(0)).min(1),
  z.array(z.array(z.int().min(0)).min(1)).min(1),
]);
export type Prompt = z.infer<typeof Prompt>;

/** `POST /v1/completions`. */
export const CompletionRequest = z
  .looseObject({
    model: z.string().min(1).meta({ example: "smollm2-135m-instruct" }),
    prompt: Prompt.nullable().meta({
      description:
        "A text, several, or token ids or null (the beginning of a text) where the engine takes them.",
    }),
    stream: z
      .boolean()
      .nullish()
      .meta({ description: "Send the answer as it is made, as server-sent events." }),
    stream_options: StreamOptions.nullish(),
    max_tokens: z.int().min(0).nullish().meta({ description: "Most tokens to add." }),
    temperature: z
      .number()
      .min(0)
      .max(2)
      .nullish()
      .meta({ description: "0 always takes the likeliest token; higher values vary more." }),
    top_p: z.number().min(0).max(1).nullish(),
    n: z.int().min(1).max(128).nullish(),
    best_of: z.int().min(0).max(20).nullish().meta({ description: "Make so many and answer with the best." }),
    echo: z.boolean().nullish().meta({ description: "Put the prompt before the answer." }),
    suffix: z.string().nullish().meta({ description: "The text that follows what is to be filled in." }),
    stop: Stop.nullish(),
    seed: Seed.nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    logit_bias: LogitBias.nullish(),
    logprobs: z
      .int()
      .min(0)
      .max(5)
      .nullish()
      .meta({ description: "How many likely alternatives to send for each token." }),
    user: z.string().nullish(),
  })
  .meta({ id: "CompletionRequest" });
export type CompletionRequest = z.infer<typeof CompletionRequest>;

const CompletionLogprobs = z.looseObject({});

/** The whole answer; a streamed one is chunks of the same shape. */
export const Completion = z
  .looseObject({
    id: z.string(),
    object: z.literal("text_completion"),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        text: z.string(),
        logprobs: CompletionLogprobs.nullish(),
        finish_reason: z.enum(["stop", "length", "content_filter"]).nullable(),
      }),
    ),
    usage: z.union([Usage, z.null()]).optional(),
  })
  .meta({ id: "Completion" });
export type Completion = z.infer<typeof Completion>;
