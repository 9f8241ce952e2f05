import { CompletionRequest } from "../contracts/completions.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, ok } from "../kernel/result.ts";
import type { EngineCall, EngineRequest } from "./engine.ts";
import { unsupported } from "./openai-dialect.ts";
import { adapterOf } from "./tgi-model.ts";
import { refuse, refuseUnknown, sampling } from "./tgi-request.ts";
import { encodeGrammar } from "./tgi-tools.ts";

// Two ways lead to a completion, and neither is without loss:
// - `/v1/completions` takes several prompts and counts the prompt's tokens, but knows few parameters. Streamed, it shows
//   special tokens, that of the end among them, and hides the kind of an error.
// - `/generate_stream` and `/generate` take one prompt, know every parameter and tell which tokens are special; a whole
//   answer tells its prompt's tokens in a header only, unless it lists them all.
// So what is streamed goes the native way, and a whole answer where a parameter asks for it; the others, and several
// prompts, go to `/v1/completions`.

const NATIVE_ONLY = ["logprobs", "best_of", "top_k", "typical_p", "grammar"];
const FIELDS = new Set([...Object.keys(CompletionRequest.shape), ...NATIVE_ONLY, "repetition_penalty"]);

/** OpenAI's own limit where none is given; TGI would go on to the end of the context. */
const TOKENS_MAX_DEFAULT = 16;

/** The prompts as texts; undefined for token ids, and for no prompt at all. */
export function promptsOf({ prompt }: CompletionRequest): readonly string[] | undefined {
  if (typeof prompt === "string") return [prompt];
  return prompt?.every((each) => typeof each === "string") ? (prompt as readonly string[]) : undefined;
}

/** The field that only the native routes know, where the request has one. */
function nativeField(body: CompletionRequest): string | undefined {
  return NATIVE_ONLY.find((name) => body[name] != null && !(name === "best_of" && (body.best_of ?? 1) <= 1));
}

/** Whether the answer to a request is of the native routes' form. */
export const isNative = (body: CompletionRequest): boolean =>
  promptsOf(body)?.length === 1 && (body.stream === true || nativeField(body) !== undefined);

/** A legacy completion. Fails by name for what TGI cannot do. */
export function encodeCompletion(call: EngineCall<CompletionRequest>): Result<EngineRequest, Failure> {
  const { body, engine } = call;
  const refused = refuseUnknown(call, FIELDS) ?? refuse(call) ?? refuseForm(call);
  if (refused) return refused;
  const prompts = promptsOf(body);
  if (!prompts) return unsupported(engine, "prompt", "must be text with TGI: it takes no token ids");
  if (isNative(body)) return encodeNative(call, prompts.join(""));
  const field = nativeField(body);
  if (field !== undefined) return unsupported(engine, field, "is not supported by TGI for several prompts");
  return ok({
    path: "/v1/completions",
    body: JSON.stringify({
      model: adapterOf(call.model) ?? "tgi",
      prompt: prompts.length === 1 ? prompts[0] : prompts,
      stream: body.stream || undefined,
      max_tokens: body.max_tokens ?? TOKENS_MAX_DEFAULT,
      ...sampling(body),
      repetition_penalty: body.repetition_penalty ?? undefined,
    }),
  });
}

/** What cannot be told in the form that is asked for. */
function refuseForm({ body, engine }: EngineCall<CompletionRequest>) {
  if (body.suffix) return unsupported(engine, "suffix", "is not supported by TGI");
  if (body.logprobs != null && body.stream)
    return unsupported(engine, "logprobs", "of a streamed completion are not supported for TGI; use chat");
  if (body.logprobs != null && body.echo)
    return unsupported(engine, "echo", "with `logprobs` is not supported for TGI");
  return undefined;
}

/** For the native routes: https://huggingface.co/docs/text-generation-inference/basic_tutorials/consuming_tgi */
function encodeNative(call: EngineCall<CompletionRequest>, inputs: string): Result<EngineRequest, Failure> {
  const { body } = call;
  const grammar = encodeGrammar(call);
  if (!grammar.ok) return grammar;
  const { temperature, ...rest } = sampling(body);
  const greedy = temperature === 0;
  const parameters = {
    ...rest,
    // A member that is absent would be greedy here, where it is sampling for all others.
    do_sample: !greedy,
    temperature: greedy ? undefined : temperature,
    max_new_tokens: body.max_tokens ?? TOKENS_MAX_DEFAULT,
    repetition_penalty: body.repetition_penalty ?? undefined,
    top_k: body.top_k ?? undefined,
    typical_p: body.typical_p ?? undefined,
    grammar: grammar.value,
    adapter_id: adapterOf(call.model),
    // With them come the end and the usage; of a whole answer, the prompt's tokens only where they are listed.
    details: true,
    decoder_input_details: body.stream ? undefined : true,
    top_n_tokens: body.logprobs || undefined,
    best_of: (body.best_of ?? 1) > 1 ? body.best_of : undefined,
  };
  return ok({
    path: body.stream ? "/generate_stream" : "/generate",
    body: JSON.stringify({ inputs, parameters }),
  });
}
