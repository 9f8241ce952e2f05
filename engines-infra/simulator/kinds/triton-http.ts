import type { Settings } from "../settings.ts";
import { text } from "./reply.ts";
import type { Whole } from "./reply.ts";

/** A whole answer of JSON. */
export function json(status: number, body: unknown): Whole {
  return text(status, "application/json", JSON.stringify(body));
}

const USUAL: Record<number, string> = {
  400: "invalid argument",
  404: "Request for unknown model: 'x' is not found",
  429: "Too Many Requests",
  500: "Internal: CUDA error",
  501: "unsupported",
  503: "Exceeds maximum queue size",
};

/** The one form that its errors have. */
export function fail(status: number, message?: string): Whole {
  return json(status, { error: message ?? USUAL[status] ?? "Internal" });
}

/** Steps of a classic repository beside the models that take texts. */
const STEPS = ["preprocessing", "tensorrt_llm", "postprocessing"];

/** Whether a model is of a classic repository: what it is called there says so. */
export const isClassic = (model: string): boolean => /(ensemble|bls)$/.test(model);

/** Every model that is loaded: those that are served, and what a classic one is made of. */
export function repository({ models, loading }: Settings): string[] {
  if (loading) return [];
  return models.some(isClassic) ? [...models, ...STEPS] : models;
}
