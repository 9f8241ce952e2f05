import { z } from "zod";
import { LogitBias, Stop, StreamOptions, Usage } from "./common.ts";

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
    prompt: Prompt,
    stream: z.boolean().nullish(),
    stream_options: StreamOptions.nullish(),
    max_tokens: z.int().min(0).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    n: z.int().min(1).max(128).nullish(),
    best_of: z.int().min(1).max(20).nullish(),
    echo: z.boolean().nullish(),
    suffix: z.string().nullish(),
    stop: Stop.nullish(),
    seed: z.int().nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    logit_bias: LogitBias.nullish(),
    logprobs: z.int().min(0).max(5).nullish(),
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
    usage: Usage.nullish(),
  })
  .meta({ id: "Completion" });
export type Completion = z.infer<typeof Completion>;
