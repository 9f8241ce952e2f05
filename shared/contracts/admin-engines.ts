import { z } from "zod";
import { EngineConfig, EngineId } from "./engine-config.ts";
import { patchShape } from "./merge-patch.ts";

const { id: _id, kind: _kind, ...changeable } = EngineConfig.shape;

/** `PATCH /admin/engines/{id}`: what is named is changed, what is null is removed (RFC 7396). */
export const EnginePatch = z.strictObject(patchShape(changeable)).meta({ id: "EnginePatch" });
export type EnginePatch = z.infer<typeof EnginePatch>;

/** How an engine does. `inFlight` and `waiting` count requests of ours, of all isolates. */
export const EngineState = z
  .object({
    circuit: z.enum(["closed", "open", "half_open"]),
    health: z.enum(["ready", "loading", "down"]),
    draining: z.boolean(),
    inFlight: z.int().min(0),
    waiting: z.int().min(0),
  })
  .meta({ id: "EngineState" });
export type EngineState = z.infer<typeof EngineState>;

/** What an engine said when it was asked once, while it was being registered. */
export const EngineCheck = z
  .object({
    health: EngineState.shape.health,
    models: z.array(z.string()).meta({ description: "What it lists, by its own names." }),
    message: z.string().meta({ description: "What was found, in a sentence." }),
  })
  .meta({ id: "EngineCheck" });
export type EngineCheck = z.infer<typeof EngineCheck>;

const { apiKey: _apiKey, ...shown } = EngineConfig.shape;

/** An engine as operators see it. Secrets are named, never shown. */
export const AdminEngine = z
  .object({
    object: z.literal("engine"),
    id: EngineId,
    source: z.enum(["registry", "variable"]).meta({
      description: "`variable`: declared in the variable ENGINES, and changed there.",
    }),
    version: z.int().min(0).meta({ description: "For If-Match; 0 for an engine of the variable." }),
    config: z.object(shown),
    hasApiKey: z.boolean().meta({ description: "Whether it has a key in clear, which is not shown." }),
    draining: z.boolean(),
    state: EngineState.nullable().meta({ description: "Null where nothing is known of it yet." }),
    models: z.array(z.string()).meta({ description: "What it serves, by its own names." }),
    check: EngineCheck.optional(),
    createdAtMs: z.int().nullable(),
    updatedAtMs: z.int().nullable(),
  })
  .meta({ id: "AdminEngine" });
export type AdminEngine = z.infer<typeof AdminEngine>;

/** `GET /admin/engines`. */
export const AdminEngineList = z
  .object({
    object: z.literal("list"),
    version: z.int().meta({ description: "The registry's version." }),
    data: z.array(AdminEngine),
    unreadable: z
      .array(z.string())
      .meta({ description: "Ids of entries of another release, which this one cannot read." }),
  })
  .meta({ id: "AdminEngineList" });
export type AdminEngineList = z.infer<typeof AdminEngineList>;
