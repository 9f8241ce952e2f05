import type { Load } from "./kind.ts";

/** The Prometheus text that routing and dashboards read. */
export function lmdeployMetrics(
  model: string,
  { running, waiting, promptTokens, tokens, finished }: Load,
): string {
  const labels = `{engine="0",model_name="${model}"}`;
  const metric = (name: string, type: "gauge" | "counter", help: string, value: number): string[] => [
    `# HELP lmdeploy:${name} ${help}`,
    `# TYPE lmdeploy:${name} ${type}`,
    `lmdeploy:${name}${labels} ${Number.isInteger(value) ? value.toFixed(1) : value}`,
  ];
  return [
    ...metric("num_requests_succeeded", "gauge", "Number of current succeeded requests.", finished),
    ...metric("num_api_requests_routed", "gauge", "Number of requests routed to request handles.", running),
    ...metric(
      "num_api_requests_waiting",
      "gauge",
      "Number of requests waiting for free request handles.",
      waiting,
    ),
    ...metric("num_requests_running", "gauge", "Number of requests in model execution batches.", running),
    ...metric("num_requests_waiting", "gauge", "Number of requests waiting to be processed.", 0),
    ...metric(
      "gpu_cache_usage_perc",
      "gauge",
      "GPU KV-cache usage. 1 means 100 percent usage.",
      Math.min(1, running / 64),
    ),
    ...metric("prompt_tokens_total", "counter", "Number of prefill tokens processed.", promptTokens),
    ...metric("generation_tokens_total", "counter", "Number of generation tokens processed.", tokens),
    "",
  ].join("\n");
}
