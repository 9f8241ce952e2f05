import type { Context } from "./kind.ts";

const VERSION = "0.5.18";
/** Tokens that fit the KV cache. */
const KV_TOKENS = 65_536;
/** About what a request holds of it. */
const KV_TOKENS_PER_REQUEST = 512;

function stateOf({ load, settings }: Context) {
  const used = Math.min(KV_TOKENS, load.running * KV_TOKENS_PER_REQUEST);
  const slots = Number.isFinite(settings.slots) ? settings.slots : 2_048;
  return { used, usage: Number((used / KV_TOKENS).toFixed(4)), slots };
}

/** GET /v1/loads, of one data-parallel rank. */
export function sglangLoads(context: Context) {
  const { used, usage, slots } = stateOf(context);
  const { running, waiting } = context.load;
  return {
    timestamp: new Date(context.nowMs).toISOString().replace("Z", "+00:00"),
    version: VERSION,
    accelerator: "NVIDIA H100 80GB HBM3",
    num_accelerators: 1,
    loads: [
      {
        dp_rank: 0,
        num_running_reqs: running,
        num_waiting_reqs: waiting,
        num_waiting_uncached_tokens: 0,
        num_used_tokens: used,
        num_total_tokens: used,
        max_total_num_tokens: KV_TOKENS,
        max_running_requests: slots,
        token_usage: usage,
        gen_throughput: 0,
        cache_hit_rate: 0,
        utilization: 0,
      },
    ],
  };
}

/** GET /server_info, as far as a router reads it. */
export const sglangInfo = ({ settings }: Context) => ({
  model_path: settings.models[0] ?? "",
  served_model_name: settings.models[0] ?? "",
  context_length: settings.contextTokens,
  tool_call_parser: settings.lacks.includes("tools") ? null : "qwen",
  version: VERSION,
});

/** The Prometheus text of `--enable-metrics`. */
export function sglangMetrics(context: Context): string {
  const { usage } = stateOf(context);
  const { running, waiting, promptTokens, tokens, finished } = context.load;
  const labels = `{engine_type="unified",model_name="${context.settings.models[0] ?? ""}",moe_ep_rank="0",pp_rank="0",tp_rank="0"}`;
  const metric = (name: string, type: "gauge" | "counter", help: string, value: number): string[] => [
    `# HELP sglang:${name} ${help}`,
    `# TYPE sglang:${name} ${type}`,
    `sglang:${name}${labels} ${Number.isInteger(value) ? value.toFixed(1) : value}`,
  ];
  return [
    ...metric("num_running_reqs", "gauge", "The number of running requests.", running),
    ...metric("num_queue_reqs", "gauge", "The number of requests in the waiting queue.", waiting),
    ...metric("token_usage", "gauge", "The token usage.", usage),
    ...metric("prompt_tokens_total", "counter", "Number of prefill tokens processed.", promptTokens),
    ...metric("generation_tokens_total", "counter", "Number of generation tokens processed.", tokens),
    ...metric("num_requests_total", "counter", "Number of requests processed.", finished),
    "",
  ].join("\n");
}
