import type { EngineModel } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { gauge } from "./prometheus-text.ts";
import type { EngineLoad } from "./engine.ts";

/**
 * Reads `GET /info`. It tells the length of the context, which `GET /v1/models` does not; neither lists LoRA adapters.
 * Every TGI serves one model.
 */
export function readInfo(json: unknown): EngineModel[] {
  const info = asObject(json);
  const id = info?.model_id;
  if (typeof id !== "string" || id === "") return [];
  const context = info?.max_total_tokens;
  return [
    {
      names: [id],
      ownedBy: id,
      ...(typeof context === "number" && context > 0 && { contextLength: context }),
    },
  ];
}

/**
 * The LoRA adapter to answer with; undefined for the base model. TGI takes any name but `tgi` for an adapter, and runs
 * the base model where it has no such one: so only a name that the operator configured, and `/info` did not tell, is one.
 */
export const adapterOf = ({ names: [name], ownedBy }: EngineModel): string | undefined =>
  ownedBy === undefined ? name : undefined;

/** Reads `GET /metrics`. There is no gauge of the KV cache: what the batch may grow to stands for it, where it is told. */
export function readLoad(text: string): EngineLoad {
  const reserved = gauge(text, "tgi_batch_current_max_tokens");
  const all = gauge(text, "tgi_batch_max_total_tokens");
  return {
    running: gauge(text, "tgi_batch_current_size"),
    waiting: gauge(text, "tgi_queue_size"),
    ...(reserved !== undefined && all !== undefined && all > 0 && { kvUse: Math.min(1, reserved / all) }),
  };
}
