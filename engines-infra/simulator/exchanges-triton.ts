import type { Exchange } from "./exchanges.ts";

/** Triton makes completions and nothing else. The model is one of the LLM API, whose last event says why it ended. */
export function tritonStyle(model: string): Exchange[] {
  const ask = (name: string, prompt: string, rest: Partial<Exchange> = {}): Exchange => {
    const streamed = name !== "completion";
    return {
      name,
      method: "POST",
      path: `/v2/models/${model}/generate${streamed ? "_stream" : ""}`,
      body: {
        text_input: prompt,
        sampling_param_max_tokens: 64,
        streaming: streamed,
        sampling_param_exclude_input_from_output: true,
        return_finish_reason: true,
      },
      ...rest,
    };
  };
  return [
    ask("completion", "Once upon a time"),
    ask("completion-stream", "Once upon a time"),
    { name: "models", method: "GET", path: "/v2/models/stats" },
    ask("error-400", "", { body: { prompt: "under another name" } }),
    ask("error-404", "Once upon a time", { path: "/v2/models/no-such-model/generate" }),
    ask("error-midstream", "[sim error=6] Fail half-way", { simulatorOnly: true }),
    ask("cut", "[sim die=6] Die half-way", { simulatorOnly: true }),
  ];
}
