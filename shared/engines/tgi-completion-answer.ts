import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { estimatePromptTokens } from "./estimate.ts";
import { asList, asObject } from "../kernel/json.ts";
import { estimatedUsage, openaiDialect } from "./openai-dialect.ts";
import { cutAtStop } from "./tgi-chat-answer.ts";
import { isNative, promptsOf } from "./tgi-completion-request.ts";
import { broken, faultIn } from "./tgi-fault.ts";
import { legacyLogprobs } from "./tgi-logprobs.ts";
import { stopsOf } from "./tgi-request.ts";

type Json = Record<string, unknown>;

/** Reads a whole answer to a completion, of whichever route it was asked. */
export function answerCompletion(
  json: unknown,
  call: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const answer = asObject(json);
  if (answer?.error != null) return err(faultIn(answer.error));
  if (!answer) return err(broken("its answer is not a JSON object"));
  return isNative(call.body) ? readNative(answer, call, nowMs) : readOpenai(answer, call);
}

/** `/v1/completions` gives the choices of several prompts in the order in which they ended. */
function readOpenai(answer: Json, call: EngineCall<CompletionRequest>): Result<Completion, EngineFault> {
  const { body, requestId } = call;
  const prompts = promptsOf(body) ?? [];
  const choices = asList(answer.choices).map((each): Json => {
    const choice = asObject(each) ?? {};
    const { text, stopped } = cutAtStop(String(choice.text ?? ""), stopsOf(body));
    const echo = body.echo ? (prompts[Number(choice.index)] ?? "") : "";
    return { ...choice, text: echo + text, finish_reason: stopped ? "stop" : choice.finish_reason };
  });
  if (choices.length !== prompts.length)
    return err(broken(`it gave ${choices.length} texts for ${prompts.length} prompts`));
  const sorted = choices.toSorted((one, other) => Number(one.index) - Number(other.index));
  const frame = { id: `cmpl-${requestId}`, model: body.model, choices: sorted };
  return openaiDialect.completion.answer({ ...answer, ...frame }, call);
}

function readNative(
  answer: Json,
  { body, requestId }: EngineCall<CompletionRequest>,
  nowMs: number,
): Result<Completion, EngineFault> {
  const details = asObject(answer.details);
  const said = answer.generated_text;
  if (typeof said !== "string" || !details) return err(broken("its answer has no text or no details"));
  const { text, stopped } = cutAtStop(said, stopsOf(body));
  const echo = body.echo ? (promptsOf(body) ?? []).join("") : "";
  const length = details.finish_reason === "length" && !stopped;
  const completion = Number(details.generated_tokens ?? 0);
  // Some of its backends list no tokens of the prompt.
  const prompt = asList(details.prefill).length;
  return ok({
    id: `cmpl-${requestId}`,
    object: "text_completion",
    created: Math.floor(nowMs / 1000),
    model: body.model,
    choices: [
      {
        index: 0,
        text: echo + text,
        logprobs: body.logprobs == null ? null : legacyLogprobs(details, text.length),
        finish_reason: length ? "length" : "stop",
      },
    ],
    usage:
      prompt > 0
        ? { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
        : estimatedUsage(estimatePromptTokens(body.prompt), completion),
  });
}
