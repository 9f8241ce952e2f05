import { z } from "zod";
import { engineKinds } from "../engines/engines.ts";

const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "a secret's name is upper case, like VLLM_API_KEY");

/**
 * An engine as its operator registers it. Secrets are given by the name of a Worker secret; `apiKey` in clear is for
 * engines on one's own machine.
 */
export const EngineConfig = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "an engine's id is lower case letters, digits and dashes"),
    kind: z.enum(engineKinds),
    baseUrl: z.url({ protocol: /^https?$/ }),
    models: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: "Only these; asked of the engine when absent." }),
    apiKey: z.string().min(1).optional(),
    apiKeySecret: SecretName.optional(),
    access: z
      .strictObject({ clientIdSecret: SecretName, clientSecretSecret: SecretName })
      .optional()
      .meta({ description: "Cloudflare Access service token in front of the engine." }),
    relay: z
      .enum(["exact", "native"])
      .optional()
      .meta({ description: "Overrides how an OpenAI-format stream is relayed; see the adapter." }),
    firstByteTimeoutMs: z.int().min(100).optional(),
    idleTimeoutMs: z.int().min(100).optional().meta({
      description:
        "Silence in mid-stream that ends an answer. Natively relayed, less than 32 bytes a second counts as silence.",
    }),
    totalTimeoutMs: z.int().min(100).optional(),
  })
  .meta({ id: "EngineConfig" });
export type EngineConfig = z.infer<typeof EngineConfig>;
