import type { Settings } from "../settings.ts";
import type { Context, Load } from "./kind.ts";
import { json } from "./tensorrt-llm-http.ts";

const SLOTS = 64;

/** The Prometheus text of `/prometheus/metrics`, there with `return_perf_metrics: true`. */
export function tensorrtLlmMetrics(
  model: string,
  { running, waiting, promptTokens, tokens, finished }: Load,
): string {
  const labels = `{engine_type="trtllm",model_name="${model}"}`;
  const done = `{engine_type="trtllm",finished_reason="end_id",model_name="${model}"}`;
  return [
    ...metric("trtllm_num_requests_running", "gauge", "Number of requests running.", labels, running),
    ...metric("trtllm_num_requests_waiting", "gauge", "Number of requests waiting.", labels, waiting),
    ...metric("trtllm_max_num_active_requests", "gauge", "Maximum number of active requests.", labels, SLOTS),
    ...metric(
      "trtllm_kv_cache_utilization",
      "gauge",
      "KV cache utilization.",
      labels,
      Math.min(1, running / SLOTS),
    ),
    ...metric("trtllm_prompt_tokens_total", "counter", "Number of prompt tokens.", labels, promptTokens),
    ...metric("trtllm_generation_tokens_total", "counter", "Number of generated tokens.", labels, tokens),
    ...metric("trtllm_request_success_total", "counter", "Count of successful requests.", done, finished),
    "",
  ].join("\n");
}

function metric(
  name: string,
  type: "gauge" | "counter",
  help: string,
  labels: string,
  value: number,
): string[] {
  const float = Number.isInteger(value) ? value.toFixed(1) : String(value);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name}${labels} ${float}`];
}

/** How many requests had ended when each server's statistics were last read. */
const readAt = new WeakMap<Settings, number>();

/** GET /metrics: the iterations since somebody last read them, which are gone for everybody else. */
export function iterationStats({ settings, load }: Context) {
  const { finished, running, waiting, tokens } = load;
  const news = finished > (readAt.get(settings) ?? 0);
  readAt.set(settings, finished);
  const stats = {
    iter: tokens,
    iterLatencyMS: 10,
    gpuMemUsage: 0,
    numActiveRequests: running,
    numQueuedRequests: waiting,
    numCompletedRequests: finished,
    maxNumActiveRequests: SLOTS,
  };
  return json(200, news ? [stats] : []);
}
