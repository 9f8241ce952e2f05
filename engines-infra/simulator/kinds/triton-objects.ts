import type { JsonObject } from "../model/json.ts";
import type { Turn } from "./turn.ts";

/** An answer of a classic model. Doubles are written with their fraction, which JavaScript would leave out. */
export function classicObject(
  model: string,
  body: JsonObject,
  said: string,
  { turn, tokens }: { turn: Turn; tokens: number },
): string {
  const counts = [
    ...(body["return_num_input_tokens"] === true && turn.usage
      ? [`"num_input_tokens":${turn.usage.prompt}`]
      : []),
    ...(body["return_num_output_tokens"] === true && turn.usage ? [`"num_output_tokens":${tokens}`] : []),
  ];
  const members = [
    `"model_name":${JSON.stringify(model)}`,
    `"model_version":"1"`,
    `"sequence_index":0`,
    `"batch_index":0`,
    `"text_output":${JSON.stringify(said)}`,
    `"cum_log_probs":0.0`,
    // A tensor of one element is that element.
    `"output_log_probs":${tokens === 1 ? "0.0" : `[${Array.from({ length: tokens }, () => "0.0").join(",")}]`}`,
    `"context_logits":0.0`,
    `"generation_logits":0.0`,
    ...counts,
  ];
  return `{${members.join(",")}}`;
}

/** An answer of an LLM-API model. `finish_reason` is what Python makes a string of: `None` until the end. */
export function llmApiObject(
  model: string,
  body: JsonObject,
  said: string,
  finish: string | undefined,
): string {
  return JSON.stringify({
    model_name: model,
    model_version: "1",
    text_output: said,
    ...(body["return_finish_reason"] === true && { finish_reason: finish ?? "None" }),
  });
}
