import { asList, asObject } from "../kernel/json.ts";
import { openaiRules } from "./openai-dialect.ts";
import type { ChunkRules } from "./engine.ts";
import { judgeSglang } from "./sglang-fault.ts";

type Json = Record<string, unknown>;

/** Usage whose reasoning tokens lie beside the other counts, as OpenAI has it: among the completion's details. */
export function withReasoningTokens(json: unknown): unknown {
  const answer = asObject(json);
  const usage = asObject(answer?.usage);
  if (!answer || !usage || typeof usage.reasoning_tokens !== "number") return json;
  const { reasoning_tokens, ...rest } = usage;
  const details = { ...asObject(usage.completion_tokens_details), reasoning_tokens };
  return { ...answer, usage: { ...rest, completion_tokens_details: details } };
}

/** Takes the members away that are null. */
function dropNulls(object: Json | undefined): void {
  for (const name in object) if (object[name] === null) delete object[name];
}

/** A delta beside tools comes from another serializer, with every member that it has not as a null. */
function mendDelta(delta: Json | undefined): void {
  dropNulls(delta);
  for (const each of asList(delta?.tool_calls)) {
    const call = asObject(each);
    dropNulls(call);
    dropNulls(asObject(call?.function));
  }
}

/** `text_offset` is -1 throughout: makes, for one answer, what fills in where each token begins in UTF-16 code units. */
export function offsetMender(): (answer: Json) => void {
  const ends = new Map<number, number>();
  return (answer) => {
    for (const each of asList(answer.choices)) {
      const choice = asObject(each);
      const logprobs = asObject(choice?.logprobs);
      if (!choice || !logprobs || !Array.isArray(logprobs.text_offset)) continue;
      const index = typeof choice.index === "number" ? choice.index : 0;
      let at = ends.get(index) ?? 0;
      logprobs.text_offset = asList(logprobs.tokens).map(
        (token) => (at += String(token).length) - String(token).length,
      );
      ends.set(index, at);
    }
  };
}

/** The prompts of one request have ids of their own, made of the request's: `req_x_0`, `req_x_1` ... */
const ID_OF_PROMPT = /^([\w-]+_[\w-]+)_\d+$/;

/** Makes, for one stream, what brings its chunks to OpenAI's form, in place. */
export function sglangMender(): (chunk: Json) => void {
  const mend = openaiRules.mender?.();
  const mendOffsets = offsetMender();
  return (chunk) => {
    if (typeof chunk.id === "string") chunk.id = chunk.id.replace(ID_OF_PROMPT, "$1");
    mend?.(chunk);
    mendOffsets(chunk);
    for (const choice of asList(chunk.choices)) mendDelta(asObject(asObject(choice)?.delta));
  };
}

/** Besides what OpenAI's rules look at: nulls that OpenAI's types do not know, and the ids of several prompts. */
export const sglangRules: ChunkRules = {
  ...openaiRules,
  mark: new RegExp(
    `${openaiRules.mark.source}|"role":\\s*null|"tool_calls":\\s*null|"id":\\s*"[\\w-]+_[\\w-]+_\\d`,
    "m",
  ),
  mender: sglangMender,
  judge: judgeSglang,
};

/** A ranking as a list without more, whose entries tell the tokens that each has cost. */
export function withRankingUsage(json: unknown): unknown {
  if (!Array.isArray(json)) return json;
  const counts = json.map((each) => asObject(asObject(each)?.meta_info)?.prompt_tokens);
  const told = counts.every((count) => typeof count === "number");
  const tokens = told ? counts.reduce<number>((sum, count) => sum + Number(count), 0) : undefined;
  return { results: json, ...(tokens !== undefined && { usage: { prompt_tokens: tokens } }) };
}
