import { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import type { EngineCall, EngineRequest } from "./engine.ts";
import { asObject } from "../kernel/json.ts";
import { unsupported } from "./openai-dialect.ts";
import { isLlmApi } from "./triton-models.ts";

// Triton's generate extension, and the two model repositories of its TensorRT-LLM backend:
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md
// https://github.com/NVIDIA/TensorRT-LLM/tree/main/triton_backend/all_models

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

/** How a repository calls what a caller can ask for. What it has no name for would be ignored, and is refused. */
type Names = {
  readonly sampling: Readonly<Record<string, string>>;
  readonly stop: string;
  readonly stream: string;
  readonly tokensMax: string;
  /** Sent with every request: no echo of the prompt, and whatever it can tell of the end. */
  readonly always: Json;
  /** Whether a grammar can be asked for. */
  readonly guided: boolean;
};

const CLASSIC: Names = {
  sampling: Object.fromEntries(
    [
      "temperature",
      "top_p",
      "top_k",
      "seed",
      "presence_penalty",
      "frequency_penalty",
      "repetition_penalty",
      "length_penalty",
      "min_tokens",
    ].map((name) => [name, name]),
  ),
  stop: "stop_words",
  stream: "stream",
  tokensMax: "max_tokens",
  always: { exclude_input_in_output: true, return_num_input_tokens: true, return_num_output_tokens: true },
  guided: true,
};

const LLM_API: Names = {
  sampling: Object.fromEntries(
    ["temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "best_of"].map(
      (name) => [name, `sampling_param_${name}`],
    ),
  ),
  stop: "sampling_param_stop",
  stream: "streaming",
  tokensMax: "sampling_param_max_tokens",
  always: { sampling_param_exclude_input_from_output: true, return_finish_reason: true },
  guided: false,
};

/** OpenAI's own limit of a legacy completion where nobody says. */
const TOKENS_MAX = 16;

/** What it can end at: the most tokens that the request may get. */
export const limitOf = ({ max_tokens }: CompletionRequest): number => max_tokens ?? TOKENS_MAX;

/** The texts at which the answer ends. */
export const stopsOf = ({ stop }: CompletionRequest): readonly string[] =>
  typeof stop === "string" ? [stop] : (stop ?? []);

/** The one text that a request asks to go on with; undefined for any other prompt. */
function promptOf({ prompt }: CompletionRequest): string | undefined {
  const only = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  return typeof only === "string" && only !== "" ? only : undefined;
}

const LABELS = ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"];
const KNOWN = new Set([...Object.keys(CompletionRequest.shape), ...LABELS, "response_format"]);

/** What no model repository does. A field that it does not know becomes a request parameter, which nobody reads. */
function refuse({ body, engine }: EngineCall<CompletionRequest>, names: Names): Refusal | undefined {
  const refused = (param: string, what = "is not supported by Triton") => unsupported(engine, param, what);
  const unknown = Object.keys(body).find(
    (name) => body[name] != null && !KNOWN.has(name) && !(name in names.sampling),
  );
  if (unknown !== undefined) return refused(unknown, "is not passed on to Triton");
  if ((body.n ?? 1) > 1) return refused("n", "greater than 1 is not supported by Triton");
  if ((body.best_of ?? 1) > 1 && !("best_of" in names.sampling)) return refused("best_of");
  if (Object.keys(body.logit_bias ?? {}).length > 0) return refused("logit_bias");
  // It tells how likely its tokens were, but not which they are.
  if (body.logprobs != null) return refused("logprobs");
  if (body.echo) return refused("echo");
  if (body.suffix) return refused("suffix");
  if (body.max_tokens === 0) return refused("max_tokens", "must be 1 or more with Triton");
  if ((body.seed ?? 0) < 0) return refused("seed", "must be 0 or more with Triton");
  if (promptOf(body) === undefined)
    return refused(
      "prompt",
      "must be one text with Triton: not empty, no token ids, and one prompt a request",
    );
  return undefined;
}

/** Sampling under the repository's names. */
function sampling(body: CompletionRequest, names: Names): Json {
  const sent: Json = {};
  for (const [name, own] of Object.entries(names.sampling)) if (body[name] != null) sent[own] = body[name];
  const { temperature, top_p: topP, top_k: topK } = body;
  const [asTemperature = "", asTopK = "", asTopP = ""] = ["temperature", "top_k", "top_p"].map(
    (name) => names.sampling[name],
  );
  if (temperature === 0) {
    // Some releases refuse a temperature of 0, or divide by it; the likeliest token is the first of one.
    delete sent[asTemperature];
    sent[asTopK] = 1;
  } else if (temperature != null && topP == null && topK == null) {
    // Without one of these the likeliest token is taken, whatever the temperature.
    sent[asTopP] = 1;
  }
  return sent;
}

/** `response_format` as the backend's guide. Undefined where it is of a type that there is none for. */
function guide({ response_format: value }: Json): Json | undefined {
  const asked = asObject(value);
  if (!asked || asked.type === "text") return {};
  const schema = asObject(asked.json_schema)?.schema;
  if (asked.type === "json_schema" && asObject(schema))
    return { guided_decoding_guide_type: "json_schema", guided_decoding_guide: JSON.stringify(schema) };
  return asked.type === "json_object" || asked.type === "json_schema"
    ? { guided_decoding_guide_type: "json", guided_decoding_guide: "" }
    : undefined;
}

/**
 * A legacy completion for `POST /v2/models/{model}/generate` or `generate_stream`. Fails by name for what the model's
 * repository has no field for.
 */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine, model } = call;
  const names = isLlmApi(model) ? LLM_API : CLASSIC;
  const refused = refuse(call, names);
  if (refused) return refused;
  const guided = guide(body);
  const constrained = guided !== undefined && Object.keys(guided).length > 0;
  if (guided === undefined || (constrained && !names.guided))
    return unsupported(engine, "response_format", "of this type is not supported by this model of Triton");
  const stops = stopsOf(body);
  const streamed = body.stream === true;
  return ok({
    path: `/v2/models/${encodeURIComponent(model.names[0] ?? "")}/${streamed ? "generate_stream" : "generate"}`,
    body: JSON.stringify({
      text_input: promptOf(body),
      [names.tokensMax]: limitOf(body),
      [names.stream]: streamed,
      ...sampling(body, names),
      ...(stops.length > 0 && { [names.stop]: stops }),
      ...guided,
      ...names.always,
    }),
  });
}
