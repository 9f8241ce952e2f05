import { readPrompt } from "../model/conversation.ts";
import { alphanumeric } from "../model/hash.ts";
import { listOf, numberOf, objectOf } from "../model/json.ts";
import { askOf, isRefused, miiStream, readGeneration } from "./deepspeed-engine.ts";
import { broken, flawsOf, json, missing } from "./deepspeed-http.ts";
import { TOKENS_MAX_DEFAULT, pieces, refusal, usageOf } from "./deepspeed-openai.ts";
import type { Context } from "./kind.ts";
import { sse } from "./reply.ts";
import type { Reply } from "./reply.ts";
import { turnOf } from "./turn.ts";

/** Prompt and answer together, where the request does not say: it takes the place of the deployment's own. */
export const LENGTH_MAX_DEFAULT = 32_768;

/** POST /v1/completions: a text or several; a stream answers the first one. */
export function deepspeedCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { prompt } = body;
  const flaws = prompt === undefined ? [missing("prompt", body)] : [];
  const refused = refusal(context, body, [...flaws, ...flawsOf(body)], false);
  if (refused) return refused;
  const list = typeof prompt === "string" ? [prompt] : listOf(prompt);
  const prompts = list.filter((each) => typeof each === "string");
  if (prompts.length < list.length || list.length === 0) return broken();
  const tokensMax = numberOf(body["max_tokens"]) ?? TOKENS_MAX_DEFAULT;
  const generation = readGeneration(context, { max_length: LENGTH_MAX_DEFAULT, ...body }, tokensMax);
  const head = { id: `cmpl-${alphanumeric(context.serial, 22)}`, object: "text_completion" };
  const model = context.settings.models[0] ?? "";
  const isStream = body["stream"] === true;
  const conversations = (isStream ? prompts.slice(0, 1) : prompts).map((each) => readPrompt(each));
  if (conversations.some(({ promptTokens }) => isRefused(generation, promptTokens)))
    return isStream ? miiStream([]) : broken();
  const turn = turnOf(
    context,
    conversations.map((each) => askOf(context, each, generation)),
  );
  if (isStream) {
    const chunk = (text: string, finish: string | null) =>
      sse({ ...head, model, choices: [{ index: 0, text, logprobs: null, finish_reason: finish }] });
    return miiStream(pieces(turn, chunk));
  }
  const choices = turn.answers.map(({ content, finish }, index) => ({
    index,
    text: content.join(""),
    logprobs: null,
    finish_reason: finish,
  }));
  const promptTokens = conversations.reduce((sum, each) => sum + each.promptTokens, 0);
  const whole = { ...head, created: turn.createdS, model, choices, usage: usageOf(promptTokens, turn) };
  return { ...json(200, whole), tokens: turn.tokens };
}
