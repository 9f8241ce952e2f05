import { z } from "zod";
import { engineKinds } from "../engines/engines.ts";
import { Price } from "../usage/price.ts";
import { EngineId } from "./engine-config.ts";
import { patchShape } from "./merge-patch.ts";

/** What a model can be used for, as its operator says; engines tell none of it. */
export const MODEL_CAPABILITIES = [
  "chat",
  "completion",
  "embedding",
  "rerank",
  "code_generation",
  "vision",
  "function_calling",
  "reasoning",
] as const;
export const ModelCapability = z.enum(MODEL_CAPABILITIES);
export type ModelCapability = z.infer<typeof ModelCapability>;

/** How a model's weights are stored; `lora` is an adapter, which engines load beside the model that it was made for. */
export const ModelFormat = z.enum(["safetensors", "gguf", "gptq", "awq", "pytorch", "onnx", "lora"]);

const plain = /^[\x21-\x7e]+$/;
const ModelName = z.string().max(200).regex(plain, "is plain ASCII without spaces");

/** By what a caller asks for any model that can do something: `capability:chat`. */
export const CAPABILITY_PREFIX = "capability:";

/** The id by which a model is registered. It stands in addresses, so it has no slashes; `source` may. */
export const ModelId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, "is lower case letters, digits, dots, dashes and underscores")
  .refine((id) => id !== "default", "is a name with a meaning of its own");

const Alias = ModelName.refine(
  (name) => !name.startsWith(CAPABILITY_PREFIX),
  "is a name with a meaning of its own",
);
const Kind = z.enum(engineKinds);

/** A model as it is registered: what it is, and what it is called by callers and by the engines. */
export const ModelEntry = z
  .strictObject({
    id: ModelId.meta({ example: "llama-3.1-8b-instruct" }),
    source: ModelName.optional().meta({
      description: "Where its weights are from, by which engines know it too; for a LoRA adapter its path.",
      example: "meta-llama/Llama-3.1-8B-Instruct",
    }),
    aliases: z.array(Alias).max(32).optional().meta({
      description: "Other names that callers may use. Who has `default` is what `default` means.",
    }),
    names: z
      .partialRecord(Kind, z.array(ModelName).min(1).max(32))
      .optional()
      .meta({ description: "What kinds of engine call it, where that is neither its id nor its source." }),
    engineKinds: z.array(Kind).min(1).optional().meta({
      description:
        "Kinds of engine on which it may be loaded; all when absent. An engine that says by itself that it serves the model is believed.",
    }),
    capabilities: z.array(ModelCapability).min(1),
    contextLength: z.int().min(1).optional().meta({ description: "Tokens of prompt and answer together." }),
    parametersB: z.number().positive().optional().meta({ description: "Parameters, in billions." }),
    format: ModelFormat.optional(),
    price: Price.optional().meta({
      description: "What it costs its callers, by whatever name they ask for it; nothing when absent.",
    }),
    wish: z.enum(["serve", "retire"]).optional().meta({
      description: "`retire`: nobody is served by it any more, whatever engines still have it.",
    }),
  })
  .meta({ id: "ModelEntry" });
export type ModelEntry = z.infer<typeof ModelEntry>;

/**
 * Every name that a model has, with callers as with engines. What one kind of engine calls it is its name with all of
 * them: an operator who starts vLLM under Ollama's name means the same model.
 */
export const namesOf = (entry: ModelEntry): string[] => [
  ...new Set([
    entry.id,
    ...(entry.source === undefined ? [] : [entry.source]),
    ...(entry.aliases ?? []),
    ...Object.values(entry.names ?? {}).flat(),
  ]),
];

/** Where a model is in its life, of what its operator wishes and its engines say. */
export const ModelState = z.enum(["registered", "loading", "ready", "unloading", "retired"]);
export type ModelState = z.infer<typeof ModelState>;

const { id: _, ...changeable } = ModelEntry.shape;

/** `PATCH /admin/models/{id}`: what is named is changed, what is null is removed (RFC 7396). */
export const ModelPatch = z.strictObject(patchShape(changeable)).meta({ id: "ModelPatch" });
export type ModelPatch = z.infer<typeof ModelPatch>;

/** An engine that serves a registered model, and by which name. */
const ServedBy = z.object({ engine: EngineId, name: z.string() });

/** A registered model as operators see it. */
export const AdminModel = z
  .object({
    object: z.literal("model"),
    id: ModelId,
    source: z.enum(["built_in", "registry"]).meta({
      description:
        "`built_in`: of the platform's own list, as long as no entry of the same id is registered.",
    }),
    version: z.int().min(0).meta({ description: "For If-Match; 0 for a model that is built in." }),
    state: ModelState,
    engines: z.array(ServedBy).meta({ description: "The engines that list it." }),
    entry: ModelEntry,
    createdAtMs: z.int().nullable(),
    updatedAtMs: z.int().nullable(),
  })
  .meta({ id: "AdminModel" });
export type AdminModel = z.infer<typeof AdminModel>;

/** `GET /admin/models`. */
export const AdminModelList = z
  .object({ object: z.literal("list"), version: z.int(), data: z.array(AdminModel) })
  .meta({ id: "AdminModelList" });
export type AdminModelList = z.infer<typeof AdminModelList>;

/** What an operator asks an engine to do with a model. */
export const ModelActionRequest = z
  .strictObject({
    engine: EngineId.meta({ description: "The engine that is told to.", example: "gpu-1" }),
    stream: z.boolean().optional().meta({
      description: "With `pull`: the progress, a JSON object on each line, instead of one answer at the end.",
    }),
  })
  .meta({ id: "ModelActionRequest" });
export type ModelActionRequest = z.infer<typeof ModelActionRequest>;

/** What came of it. */
export const ModelActionResult = z
  .object({
    object: z.literal("model.action"),
    action: z.enum(["pull", "load", "unload", "sleep", "wake"]),
    model: ModelId,
    engine: EngineId,
    name: z.string().meta({ description: "The model's name at the engine." }),
    message: z.string().meta({ description: "The engine's own words, if it said any." }),
  })
  .meta({ id: "ModelActionResult" });
export type ModelActionResult = z.infer<typeof ModelActionResult>;

/** One line of a streamed pull; the last has `finished` or an `error`. */
export const PullProgress = z
  .object({
    status: z.string(),
    done: z.number().meta({ description: "Bytes that are there." }),
    total: z.number().meta({ description: "Bytes in all; 0 where the engine does not say yet." }),
    finished: z.literal(true).optional(),
    error: z.string().optional(),
  })
  .meta({ id: "PullProgress" });
export type PullProgress = z.infer<typeof PullProgress>;

/** What is left of something that was removed. */
export const Deleted = z
  .object({
    object: z.enum(["engine", "model", "member", "invite"]),
    id: z.string(),
    deleted: z.literal(true),
  })
  .meta({ id: "Deleted" });
export type Deleted = z.infer<typeof Deleted>;
