import type { EngineModel } from "./engine.ts";
import { asList, asObject } from "../kernel/json.ts";

/** Steps of a classic repository that no caller asks by themselves: they take and give token ids. */
const STEP = /(^|[-_.])(pre|post)processing$|(^|[-_.])multimodal_encoders$/;
const FRONT = /(^|[-_.])(ensemble|bls)$/;
const BARE = /(^|[-_.])tensorrt_llm$/;

/** Whose a model is of the repository of LLM-API models, which has other names for everything. */
const LLM_API = "triton-llmapi";
const CLASSIC = "triton";

/**
 * Reads `GET /v2/models/stats`, the only list of its models that Triton gives without being told to POST:
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_statistics.md
 * A model is there once for each of its versions.
 */
export function readModelStats(json: unknown): EngineModel[] {
  const all = asList(asObject(json)?.model_stats).flatMap((each) => {
    const name = asObject(each)?.name;
    return typeof name === "string" && name !== "" ? [name] : [];
  });
  const classic = all.some((name) => STEP.test(name));
  const fronted = all.some((name) => FRONT.test(name));
  return [...new Set(all)]
    .filter((name) => !STEP.test(name) && !(classic && fronted && BARE.test(name)))
    .map((name) => ({ names: [name], ownedBy: classic ? CLASSIC : LLM_API }));
}

/** Whether a model is an LLM-API model: by its repository, or by its name where the repository is not known. */
export const isLlmApi = ({ names, ownedBy }: EngineModel): boolean =>
  ownedBy === undefined ? BARE.test(names[0] ?? "") : ownedBy === LLM_API;
