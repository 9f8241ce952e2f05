import { z } from "zod";

/** Up to four texts at which generation ends; the answer never contains them. */
export const Stop = z.union([z.string(), z.array(z.string()).max(4)]);
export type Stop = z.infer<typeof Stop>;

/** Any integer of 64 bits: beyond 2^53 JavaScript rounds it, and the text that goes to the engine keeps it. */
export const Seed = z.number().multipleOf(1);

/** Token id (as text) to a bias from -100 to 100. */
export const LogitBias = z.record(z.string(), z.number().min(-100).max(100));

/** Up to 16 labels of the caller's own. */
export const Metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((labels) => Object.keys(labels).length <= 16, {
    message: "at most 16 labels",
  });

/** OpenAI's processing tiers. Engines have one tier: the field is accepted and has no effect. */
export const ServiceTier = z.enum(["auto", "default", "flex", "scale", "priority"]);

/** What a stream carries besides the answer. */
export const StreamOptions = z.looseObject({
  include_usage: z
    .boolean()
    .nullish()
    .meta({ description: "Send one more chunk with `usage` before `[DONE]`." }),
  include_obfuscation: z.boolean().nullish(),
});

/** Tokens that a request used. */
export const Usage = z
  .looseObject({
    prompt_tokens: z.int().min(0),
    completion_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
    prompt_tokens_details: z.looseObject({ cached_tokens: z.int().min(0).optional() }).optional(),
    completion_tokens_details: z.looseObject({ reasoning_tokens: z.int().min(0).optional() }).optional(),
    estimated: z
      .literal(true)
      .optional()
      .meta({ description: "Present when the engine did not tell and the platform counted." }),
  })
  .meta({ id: "Usage" });
export type Usage = z.infer<typeof Usage>;
