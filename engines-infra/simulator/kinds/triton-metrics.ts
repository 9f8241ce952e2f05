import type { Load } from "./kind.ts";

const SLOTS = 64;

/** The Prometheus text that routing and dashboards read; a real server tells it on a port of its own, 8002. */
export function tritonMetrics({ running, waiting, finished }: Load): string {
  const requests = { active: running + waiting, context: 0, max: SLOTS, scheduled: running, waiting };
  const used = Math.min(1, running / SLOTS);
  const blocks = { fraction: used, free: 1000 - used * 1000, max: 1000, tokens_per: 64, used: used * 1000 };
  return [
    ...family("nv_trt_llm_request_metrics", "TRT LLM request metrics", "request_type", requests),
    ...family(
      "nv_trt_llm_kv_cache_block_metrics",
      "TRT LLM KV cache block metrics",
      "kv_cache_block_type",
      blocks,
    ),
    "# HELP nv_inference_request_success Number of successful inference requests, all batch sizes",
    "# TYPE nv_inference_request_success counter",
    `nv_inference_request_success{model="tensorrt_llm",version="1"} ${finished}`,
    "",
  ].join("\n");
}

function family(name: string, help: string, label: string, values: Record<string, number>): string[] {
  const samples = Object.entries(values).map(
    ([value, number]) => `${name}{${label}="${value}",model="tensorrt_llm",version="1"} ${number}`,
  );
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples];
}
