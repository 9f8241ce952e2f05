import { z } from "zod";
import { checkBaseUrl } from "../engines/base-url.ts";
import { engineKinds } from "../engines/engines.ts";

const SecretName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "a secret's name is upper case, like VLLM_API_KEY");
const DurationMs = z.int().min(100).max(86_400_000);
const Label = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "is lower case letters, digits, dots, dashes and underscores");

/** The id by which an engine is known in configuration, logs and metrics. */
export const EngineId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "an engine's id is lower case letters, digits and dashes");

/** When an engine's circuit opens, and for how long. What is absent is the platform's own policy. */
export const CircuitConfig = z
  .strictObject({
    failuresToOpen: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "Failures within the window after which it gets no more requests." }),
    windowMs: DurationMs.optional(),
    openMs: DurationMs.optional().meta({ description: "Rest before the first probe." }),
    openMsMax: DurationMs.optional().meta({ description: "Longest rest, after probes that failed too." }),
    backoffFactor: z.number().min(1).max(10).optional(),
  })
  .refine(({ openMs, openMsMax }) => openMs === undefined || openMsMax === undefined || openMs <= openMsMax, {
    path: ["openMsMax"],
    message: "is less than openMs",
  });
export type CircuitConfig = z.infer<typeof CircuitConfig>;

const timeouts = {
  firstByteTimeoutMs: DurationMs.optional(),
  idleTimeoutMs: DurationMs.optional().meta({
    description:
      "Silence in mid-stream that ends an answer. Natively relayed, less than 32 bytes a second counts as silence.",
  }),
  totalTimeoutMs: DurationMs.optional(),
};

/**
 * An engine as its operator registers it. Secrets are given by the name of a Worker secret; `apiKey` in clear is for
 * engines on one's own machine. The base URL's form is checked here; whether its host may be private depends on the
 * deployment and is asked of `checkBaseUrl` again.
 */
export const EngineConfig = z
  .strictObject({
    id: EngineId,
    kind: z.enum(engineKinds),
    baseUrl: z
      .string()
      .superRefine((url, context) => {
        const checked = checkBaseUrl(url, { privateAllowed: true });
        if (!checked.ok) context.addIssue({ code: "custom", message: checked.error });
      })
      .meta({ format: "uri", example: "https://gpu-1.example.com" }),
    via: z.enum(["internet", "vpc"]).optional().meta({
      description:
        "`vpc`: by the Worker's binding EGRESS, a VPC service or a tunnel; only then may the host be private.",
    }),
    models: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ description: "Only these; asked of the engine when absent." }),
    contextLength: z.int().min(1).optional().meta({
      description: "Tokens of prompt and answer together, for engines that do not tell.",
    }),
    continues: z.boolean().optional().meta({
      description:
        "Whether it may be asked to go on with an answer that another engine began. For Ollama only where true: its models' templates have to leave a closing assistant message open.",
    }),
    metricsUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          "Where its metrics are, if not below the base URL; Triton has a port of its own for them.",
      }),
    apiKey: z.string().min(1).optional(),
    apiKeySecret: SecretName.optional(),
    access: z
      .strictObject({ clientIdSecret: SecretName, clientSecretSecret: SecretName })
      .optional()
      .meta({ description: "Cloudflare Access service token in front of the engine." }),
    relay: z.enum(["exact", "native"]).optional().meta({
      description:
        "Overrides how an OpenAI-format stream is relayed; see the adapter. SGLang is always relayed exactly: it has to be told of a client that leaves.",
    }),
    weight: z.int().min(0).max(1000).optional().meta({
      description:
        "Share of the requests beside other engines of the same model; 0: only when no other can. 100 when absent.",
    }),
    region: Label.optional().meta({ description: "Where it stands; requests prefer their own region." }),
    labels: z
      .record(Label, z.string().max(200))
      .refine((labels) => Object.keys(labels).length <= 16, "at most 16 labels")
      .optional()
      .meta({ description: "The operator's own notes, up to 16." }),
    concurrencyMax: z.int().min(1).max(100_000).optional().meta({
      description: "Requests that it is given at once, by all of the platform. Its kind's own when absent.",
    }),
    queueMax: z.int().min(0).max(10_000).optional().meta({
      description: "Requests that may wait for it when it is full. 64 when absent.",
    }),
    queueTimeoutMs: DurationMs.optional().meta({ description: "Longest wait of such a request." }),
    retriesMax: z.int().min(0).max(10).optional().meta({
      description: "Further attempts at this engine after one that failed before its first byte.",
    }),
    connectTimeoutMs: DurationMs.optional().meta({
      description: "Wait for the connection and the health check.",
    }),
    probeIntervalMs: DurationMs.optional().meta({ description: "Time between two health checks." }),
    circuit: CircuitConfig.optional(),
    ...timeouts,
    modelTimeouts: z
      .record(z.string().min(1), z.strictObject(timeouts))
      .optional()
      .meta({ description: "Other timeouts for some of its models, by the model's name at the engine." }),
  })
  .meta({ id: "EngineConfig" });
export type EngineConfig = z.infer<typeof EngineConfig>;

/** What holds where an operator says nothing, beside what the engine's kind and the deployment decide. */
export const ENGINE_CONFIG_DEFAULTS = { weight: 100, queueMax: 64 } as const;
