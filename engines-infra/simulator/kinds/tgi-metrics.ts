import type { Load } from "./kind.ts";

/** The Prometheus text: nothing is labelled with the model, and nothing tells of the KV cache. */
export function tgiMetrics(load: Load): string {
  const { running, waiting, finished, tokens, promptTokens } = load;
  const perRequest = Math.max(1, running);
  return [
    ...metric("tgi_request_success", "counter", "Number of successful requests", finished),
    ...metric("tgi_request_count", "counter", "Total number of requests", finished + running + waiting),
    ...metric("tgi_queue_size", "gauge", "Current queue size", waiting),
    ...metric("tgi_batch_current_size", "gauge", "Current batch size", running),
    ...metric(
      "tgi_batch_current_max_tokens",
      "gauge",
      "Maximum tokens for the current batch",
      running === 0 ? 0 : perRequest * 1024,
    ),
    ...summed("tgi_request_generated_tokens", "Number of tokens generated per request", tokens, finished),
    ...summed("tgi_request_input_length", "Input token length per request", promptTokens, finished),
  ].join("\n");
}

function metric(name: string, type: "gauge" | "counter", help: string, value: number): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`, ""];
}

function summed(name: string, help: string, sum: number, count: number): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} histogram`,
    `${name}_bucket{le="+Inf"} ${count}`,
    `${name}_sum ${sum}`,
    `${name}_count ${count}`,
    "",
  ];
}
