/** Counters of the engine and their Prometheus text, under the names of llama-server. */
import type { Cost } from "../protocol/usage.ts";

export class Metrics {
  #promptTokens = 0;
  #promptMs = 0;
  #outputTokens = 0;
  #outputMs = 0;
  #decodes = 0;
  #longestTokens = 0;
  /** What the throughput gauges saw since the last scrape. */
  #window = { promptTokens: 0, promptMs: 0, outputTokens: 0, outputMs: 0 };

  /** Called once per generated token. */
  decoded(): void {
    this.#decodes += 1;
  }

  /** Called when a generation ends, however it ends. */
  finished(cost: Cost): void {
    const evaluated = cost.promptTokens - cost.cachedTokens;
    this.#promptTokens += evaluated;
    this.#promptMs += cost.promptMs;
    this.#outputTokens += cost.outputTokens;
    this.#outputMs += cost.outputMs;
    this.#longestTokens = Math.max(this.#longestTokens, cost.promptTokens + cost.outputTokens);
    this.#window.promptTokens += evaluated;
    this.#window.promptMs += cost.promptMs;
    this.#window.outputTokens += cost.outputTokens;
    this.#window.outputMs += cost.outputMs;
  }

  /** The exposition; reading it starts a new window for the throughput gauges. */
  text(load: { processing: number; deferred: number }): string {
    const window = this.#window;
    this.#window = { promptTokens: 0, promptMs: 0, outputTokens: 0, outputMs: 0 };
    const rows: ReadonlyArray<readonly [name: string, type: string, help: string, value: number]> = [
      ["prompt_tokens_total", "counter", "Number of prompt tokens processed.", this.#promptTokens],
      ["prompt_seconds_total", "counter", "Prompt process time", this.#promptMs / 1000],
      ["tokens_predicted_total", "counter", "Number of generation tokens processed.", this.#outputTokens],
      ["tokens_predicted_seconds_total", "counter", "Predict process time", this.#outputMs / 1000],
      ["n_decode_total", "counter", "Total number of llama_decode() calls", this.#decodes],
      ["n_tokens_max", "counter", "Largest observed n_tokens.", this.#longestTokens],
      [
        "prompt_tokens_seconds",
        "gauge",
        "Average prompt throughput in tokens/s.",
        perSecond(window.promptTokens, window.promptMs),
      ],
      [
        "predicted_tokens_seconds",
        "gauge",
        "Average generation throughput in tokens/s.",
        perSecond(window.outputTokens, window.outputMs),
      ],
      ["requests_processing", "gauge", "Number of requests processing.", load.processing],
      ["requests_deferred", "gauge", "Number of requests deferred.", load.deferred],
      [
        "n_busy_slots_per_decode",
        "gauge",
        "Average number of busy slots per llama_decode() call",
        this.#decodes > 0 ? 1 : 0,
      ],
    ];
    return rows
      .map(([name, type, help, value]) => {
        const full = `llamacpp:${name}`;
        return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${full} ${value}\n`;
      })
      .join("");
  }
}

const perSecond = (count: number, ms: number): number => (ms > 0 ? (count * 1000) / ms : 0);
