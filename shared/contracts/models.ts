import { z } from "zod";
import { FEATURES } from "../engines/abilities.ts";

// OpenAI's models: https://platform.openai.com/docs/api-reference/models

/** A model that at least one engine serves. */
export const Model = z
  .looseObject({
    id: z.string(),
    object: z.literal("model"),
    created: z.int().meta({ description: "Seconds since 1970; 0 where the engine does not say." }),
    owned_by: z.string(),
    context_length: z
      .int()
      .optional()
      .meta({ description: "Tokens of prompt and answer together, where the engine says." }),
    engines: z.array(z.string()).meta({ description: "The kinds of engine that serve it." }),
    abilities: z.array(z.enum(FEATURES)).meta({
      description:
        "What may be asked of those kinds; all else is refused by name. The model itself may lack some of it: then its engine says so.",
      example: ["chat", "completion", "tools", "json_schema", "stop", "seed"],
    }),
  })
  .meta({ id: "Model" });
export type Model = z.infer<typeof Model>;

/** `GET /v1/models`. */
export const ModelList = z
  .object({ object: z.literal("list"), data: z.array(Model) })
  .meta({ id: "ModelList" });
export type ModelList = z.infer<typeof ModelList>;
