import type { EngineModel } from "./engine.ts";
import { asList, asObject } from "../kernel/json.ts";
import { readOpenaiModels } from "./openai-dialect.ts";

// SGLang serves whatever model is named, and splits a name at its first colon: what follows is the name of an adapter.
// https://docs.sglang.ai/advanced_features/lora.html

/**
 * Reads `GET /v1/models`. An adapter is listed beside its base model, and has two names: its own, and that with the base
 * model before it, which is how SGLang's users know it.
 */
export function readSglangModels(json: unknown): EngineModel[] {
  const parents = new Map<string, string>();
  for (const each of asList(asObject(json)?.data)) {
    const { id, parent } = asObject(each) ?? {};
    if (typeof id === "string" && typeof parent === "string") parents.set(id, parent);
  }
  return readOpenaiModels(json).map((model) => {
    const [own = ""] = model.names;
    const parent = parents.get(own);
    return parent === undefined ? model : { ...model, names: [own, `${parent}:${own}`] };
  });
}

/** Reads `GET /server_info`: without a parser for them, a model's calls of tools come as its text. */
export function readServerInfo(json: unknown): Pick<EngineModel, "lacks"> {
  return asObject(json)?.tool_call_parser === null ? { lacks: ["tools", "tool_choice"] } : {};
}

/** The adapter that a model is, by its own name. Named as a model, SGLang would serve the base model in its place. */
export function servedAdapter({ names }: EngineModel): string | undefined {
  const [own, full] = names;
  return own !== undefined && full?.endsWith(`:${own}`) ? own : undefined;
}

/**
 * What SGLang is told as the model. It does not compare it with anything, so that a colon can go: it would look for an
 * adapter. A name that it does not list itself is the operator's, who means the adapter.
 */
export function nameOnWire({ names, ownedBy }: EngineModel): string {
  const [own = ""] = names;
  const isListed = ownedBy !== undefined || names.length > 1;
  return isListed ? own.replaceAll(":", "-") : own;
}
