import type { EngineLoad } from "./engine.ts";
import { asList, asObject, parseJson } from "../kernel/json.ts";

/**
 * Reads `GET /v1/loads`: one entry for each data-parallel rank, from a snapshot that the scheduler writes every few
 * steps. It needs no flag, unlike `/metrics`.
 * https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/entrypoints/v1_loads.py
 */
export function readSglangLoad(text: string): EngineLoad {
  const ranks = asList(asObject(parseJson(text))?.loads).map((each) => asObject(each) ?? {});
  const all = (name: string): number[] =>
    ranks.map((rank) => rank[name]).filter((value) => typeof value === "number");
  const sum = (name: string): number | undefined => {
    const values = all(name);
    return values.length > 0 ? values.reduce((total, value) => total + value, 0) : undefined;
  };
  const usage = sum("token_usage");
  return {
    running: sum("num_running_reqs"),
    waiting: sum("num_waiting_reqs"),
    kvUse: usage === undefined ? undefined : usage / all("token_usage").length,
    slots: sum("max_running_requests"),
  };
}
