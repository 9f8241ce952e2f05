import { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineRequest } from "./engine.ts";
import { refuseForAll, unsupported } from "./openai-dialect.ts";
import { encodeMessages } from "./tgi-messages.ts";
import { adapterOf } from "./tgi-model.ts";
import { encodeGrammar, encodeTools } from "./tgi-tools.ts";

// Requests are written anew: TGI answers 422 to nulls, to a stop that is no list and to more than one limit, and takes
// no notice of most fields that it does not know. Members that are undefined are left out of the JSON.

type Json = Record<string, unknown>;
type Refusal = { readonly ok: false; readonly error: Failure };

const CHAT_FIELDS = new Set([
  ...Object.keys(ChatRequest.shape),
  "repetition_penalty",
  "grammar",
  "tool_prompt",
]);

/** A field that is neither OpenAI's nor passed on, and would be dropped in silence. `adapter_id` and the like reach past the gateway. */
export function refuseUnknown(
  { body, engine }: EngineCall<Json>,
  known: ReadonlySet<string>,
): Refusal | undefined {
  const field = Object.keys(body).find((name) => body[name] != null && !known.has(name));
  return field === undefined
    ? undefined
    : unsupported(engine, field, "is not known to TGI for this operation, and is not passed on");
}

/** What of OpenAI's fields TGI has none for. It would answer as if it had not been asked, or otherwise. */
export function refuse({ body, engine }: EngineCall<ChatRequest | CompletionRequest>): Refusal | undefined {
  if ((body.n ?? 1) > 1) return unsupported(engine, "n", "greater than 1 is not supported by TGI");
  if (body.logit_bias && Object.keys(body.logit_bias).length > 0)
    return unsupported(engine, "logit_bias", "is not supported by TGI");
  // Its field of that name is a repetition penalty of that plus 2: even 0 would be a strong one.
  if (body.presence_penalty)
    return unsupported(
      engine,
      "presence_penalty",
      "is not supported by TGI: send `frequency_penalty` or `repetition_penalty`",
    );
  if (body.repetition_penalty != null && typeof body.repetition_penalty !== "number")
    return unsupported(engine, "repetition_penalty", "must be a number");
  return undefined;
}

/** Texts at which the answer ends. An empty one would end it at once. */
export function stopsOf({ stop }: ChatRequest | CompletionRequest): string[] {
  const stops = typeof stop === "string" ? [stop] : (stop ?? []);
  return stops.filter((each) => each !== "");
}

/** What chats and completions say alike. */
export function sampling(body: ChatRequest | CompletionRequest): Json {
  const stops = stopsOf(body);
  const top = body.top_p ?? undefined;
  return {
    // A `top_p` of 0 leaves the likeliest token, as a temperature of 0 does; TGI takes neither 0 nor 1 for it.
    temperature: top === 0 ? 0 : (body.temperature ?? undefined),
    top_p: top === 0 || top === 1 ? undefined : top,
    frequency_penalty: body.frequency_penalty ?? undefined,
    seed: body.seed ?? undefined,
    stop: stops.length > 0 ? stops : undefined,
  };
}

/**
 * A chat for `POST /v1/chat/completions`. The native routes take no conversation: only here is the model's template
 * applied. Fails by name for what TGI cannot do.
 */
export function encodeChat(call: EngineCall<ChatRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const refusedForAll = refuseForAll(call);
  if (refusedForAll) return err(refusedForAll);
  const refused = refuseUnknown(call, CHAT_FIELDS) ?? refuse(call);
  if (refused) return refused;
  if (body.reasoning_effort != null)
    return unsupported(engine, "reasoning_effort", "is not supported by TGI: it reads none");
  const messages = encodeMessages(call);
  if (!messages.ok) return messages;
  const tools = encodeTools(call);
  if (!tools.ok) return tools;
  const grammar = encodeGrammar(call);
  if (!grammar.ok) return grammar;
  if (grammar.value && tools.value.tools)
    return unsupported(
      engine,
      body.grammar == null ? "response_format" : "grammar",
      "cannot be combined with `tools` by TGI",
    );
  const penalty = body.repetition_penalty;
  return ok({
    path: "/v1/chat/completions",
    body: JSON.stringify({
      // The caller's own name for it would be taken for a LoRA adapter.
      model: adapterOf(call.model) ?? "tgi",
      messages: messages.value,
      ...(body.stream && { stream: true, stream_options: { include_usage: true } }),
      // With both, which are one field there, it would answer 422.
      max_tokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      ...sampling(body),
      // Two less than the repetition penalty is what TGI calls so.
      presence_penalty: typeof penalty === "number" ? penalty - 2 : undefined,
      logprobs: body.logprobs || undefined,
      top_logprobs: body.top_logprobs || undefined,
      ...tools.value,
      response_format: grammar.value,
    }),
  });
}
