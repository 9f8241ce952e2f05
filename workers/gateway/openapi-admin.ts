import { z } from "@hono/zod-openapi";
import { AdminEngine, AdminEngineList, EnginePatch } from "../../shared/contracts/admin-engines.ts";
import {
  AdminModel,
  AdminModelList,
  Deleted,
  ModelActionRequest,
  ModelActionResult,
  ModelEntry,
  ModelPatch,
  PullProgress,
} from "../../shared/contracts/admin-models.ts";
import { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { AUDIT_OPERATIONS } from "./openapi-audit.ts";
import { good, json, of, READ, route, WRITE } from "./openapi-admin-route.ts";
import { INSIDE_OPERATIONS } from "./openapi-admin-objects.ts";

const idOf = (what: string, example: string) =>
  z.object({ id: z.string().openapi({ description: `The ${what}'s id.`, example }) });
const engineId = { params: idOf("engine", "gpu-1") };
const modelId = { params: idOf("model", "llama-3.1-8b-instruct") };
const check = z.object({
  check: z
    .enum(["true", "false"])
    .optional()
    .openapi({ description: "`false`: the engine is not asked how it is." }),
});
const force = z.object({
  force: z
    .enum(["true", "false"])
    .optional()
    .openapi({ description: "`true`: what it is answering is cut off." }),
});
const ifMatch = z.object({
  "if-match": z.string().optional().openapi({
    description: "The version that was read, as its ETag has it: nothing newer is overwritten.",
    example: '"1"',
  }),
});
const body = (schema: z.ZodType) => ({ body: { required: true, content: json(schema) } });

const ENGINES = [
  route("get", "/admin/engines", "List the engines", undefined, {
    ...good("Those of the variable ENGINES and those that are registered.", AdminEngineList),
    ...of(...READ),
  }),
  route(
    "post",
    "/admin/engines",
    "Register an engine",
    { ...body(EngineConfig), query: check },
    { 201: { description: "It is registered.", content: json(AdminEngine) }, ...of(...WRITE, 409) },
    "It is asked once how it is and what it serves, and `check` says what was found. One that is down is registered all the same. Its key is given by the name of a secret of the Worker.",
  ),
  route("get", "/admin/engines/{id}", "Show an engine", engineId, {
    ...good("The engine; its ETag is its version.", AdminEngine),
    ...of(...READ, 404),
  }),
  route(
    "patch",
    "/admin/engines/{id}",
    "Change an engine",
    { ...engineId, ...body(EnginePatch), query: check, headers: ifMatch },
    { ...good("The engine as it is now.", AdminEngine), ...of(...WRITE, 404, 409, 412) },
    "A JSON merge patch: what is named is changed, what is null is removed. Engines of the variable ENGINES are changed there.",
  ),
  route(
    "delete",
    "/admin/engines/{id}",
    "Remove an engine",
    { ...engineId, query: force, headers: ifMatch },
    { ...good("It is removed.", Deleted), ...of(...READ, 400, 404, 409, 412) },
    "Refused while it answers requests: drain it first.",
  ),
  route("post", "/admin/engines/{id}/drain", "Drain an engine", engineId, {
    ...good("It gets no new requests, and ends what it has begun.", AdminEngine),
    ...of(...READ, 404, 409),
  }),
  route("post", "/admin/engines/{id}/resume", "Take an engine back into service", engineId, {
    ...good("It gets requests again.", AdminEngine),
    ...of(...READ, 404, 409),
  }),
];

const MODELS = [
  route("get", "/admin/models", "List the registered models", undefined, {
    ...good("Those that are built in and those that are registered.", AdminModelList),
    ...of(...READ),
  }),
  route(
    "post",
    "/admin/models",
    "Register a model",
    body(ModelEntry),
    { 201: { description: "It is registered.", content: json(AdminModel) }, ...of(...WRITE, 409) },
    "Says what a model is and what callers and engines call it, so that one name reaches it on all engines. An entry of the id of a built-in model takes its place.",
  ),
  route("get", "/admin/models/{id}", "Show a registered model", modelId, {
    ...good("The model; its ETag is its version.", AdminModel),
    ...of(...READ, 404),
  }),
  route(
    "patch",
    "/admin/models/{id}",
    "Change a registered model",
    { ...modelId, ...body(ModelPatch), headers: ifMatch },
    { ...good("The model as it is now.", AdminModel), ...of(...WRITE, 404, 409, 412) },
    'A JSON merge patch. With `{"wish": "retire"}` nobody is served by it any more.',
  ),
  route(
    "delete",
    "/admin/models/{id}",
    "Remove a registered model",
    { ...modelId, headers: ifMatch },
    { ...good("It is removed.", Deleted), ...of(...READ, 400, 404, 409, 412) },
    "Refused while an engine serves it. A built-in model is retired instead.",
  ),
];

const action = (name: string, summary: string, description: string, streams = false) =>
  route(
    "post",
    `/admin/models/{id}/${name}`,
    summary,
    { ...modelId, ...body(ModelActionRequest) },
    {
      200: {
        description: streams
          ? "The engine has done it; with `stream: true` its progress, line by line, the last with `finished` or `error`."
          : "The engine has done it.",
        content: {
          ...json(ModelActionResult),
          ...(streams && { "application/x-ndjson": { schema: PullProgress } }),
        },
      },
      ...of(...WRITE, 404, 409, 429, 502, 504),
    },
    description,
  );

const ACTIONS = [
  action("pull", "Have an engine fetch a model", "For Ollama, which keeps its models on disk.", true),
  action(
    "load",
    "Have an engine load a model",
    "Ollama loads it into memory; vLLM and SGLang load a LoRA adapter (`format`: `lora`) from its `source`.",
  ),
  action("unload", "Have an engine unload a model", "The reverse of load."),
  action("sleep", "Put an engine to sleep", "It gives up the GPU's memory until it is woken."),
  action("wake", "Wake an engine", "The reverse of sleep."),
];

/** The operators' part of the description of the API. */
export const ADMIN_OPERATIONS = [
  ...ENGINES,
  ...MODELS,
  ...ACTIONS,
  ...AUDIT_OPERATIONS,
  ...INSIDE_OPERATIONS,
];
