import type { EngineModel } from "./engine.ts";
import { namesOf } from "./ollama-names.ts";
import { asList, asObject } from "../kernel/json.ts";

/**
 * Reads `GET /api/tags`: https://github.com/ollama/ollama/blob/main/docs/api.md#list-local-models
 * Models that Ollama would fetch from its cloud are left out: prompts must not leave the house.
 * No context is read: `details.context_length` is what a model was trained for, and what is served is the server's own
 * `OLLAMA_CONTEXT_LENGTH`, 4096 on a small machine.
 */
export function readTags(json: unknown): EngineModel[] {
  return asList(asObject(json)?.models).flatMap((each): EngineModel[] => {
    const model = asObject(each) ?? {};
    const name = String(model.model ?? model.name ?? "");
    if (name === "" || /(:|-)cloud$/i.test(name) || model.remote_host || model.remote_model) return [];
    const createdMs = Date.parse(String(model.modified_at ?? ""));
    return [
      {
        names: namesOf(name),
        anyCase: true,
        ownedBy: "library",
        ...(Number.isFinite(createdMs) && { created: Math.floor(createdMs / 1000) }),
      },
    ];
  });
}
