import type { Load } from "./kind.ts";

/** The Prometheus text that routing and dashboards read. */
export function vllmMetrics(
  model: string,
  { running, waiting, promptTokens, tokens, finished }: Load,
): string {
  const labels = `{engine="0",model_name="${model}"}`;
  const used = Math.min(1, running / 64);
  return [
    ...metric(
      "vllm:num_requests_running",
      "gauge",
      "Number of requests in model execution batches.",
      labels,
      running,
    ),
    ...metric(
      "vllm:num_requests_waiting",
      "gauge",
      "Number of requests waiting to be processed.",
      labels,
      waiting,
    ),
    ...metric(
      "vllm:kv_cache_usage_perc",
      "gauge",
      "KV-cache usage. 1 means 100 percent usage.",
      labels,
      used,
    ),
    ...metric(
      "vllm:prefix_cache_queries_total",
      "counter",
      "Prefix cache queries, in tokens.",
      labels,
      promptTokens,
    ),
    ...metric("vllm:prefix_cache_hits_total", "counter", "Prefix cache hits, in tokens.", labels, 0),
    ...metric(
      "vllm:prompt_tokens_total",
      "counter",
      "Number of prefill tokens processed.",
      labels,
      promptTokens,
    ),
    ...metric(
      "vllm:generation_tokens_total",
      "counter",
      "Number of generation tokens processed.",
      labels,
      tokens,
    ),
    ...metric(
      "vllm:request_success_total",
      "counter",
      "Count of successfully processed requests.",
      `{engine="0",finished_reason="stop",model_name="${model}"}`,
      finished,
    ),
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
