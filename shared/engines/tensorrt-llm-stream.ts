import type { ChunkRules } from "./engine.ts";
import { asList, asObject } from "../kernel/json.ts";
import { openaiRules } from "./openai-dialect.ts";
import { offsetMender } from "./sglang-answer.ts";
import { judgeTensorrtLlm } from "./tensorrt-llm-fault.ts";

type Json = Record<string, unknown>;

/**
 * Makes, for one stream, what brings the pieces of its tool calls to OpenAI's form. Those of a call that the caller
 * named have no id, each repeats the name, which clients would join, and their index is the choice's.
 */
function callMender(): (call: Json, choice: number, answerId: string) => void {
  const known = new Map<string, number>();
  const calls = new Map<number, number>();
  return (call, choice, answerId) => {
    const key = `${choice} ${String(call.index)}`;
    const at = known.get(key);
    if (at !== undefined) {
      call.index = at;
      delete call.id;
      delete asObject(call.function)?.name;
      return;
    }
    const next = calls.get(choice) ?? 0;
    known.set(key, next);
    calls.set(choice, next + 1);
    call.index = next;
    call.id ??= `call_${answerId}_${choice}_${next}`;
  };
}

/** Alternatives are missing, or null, where none were asked for. */
function mendTokens(logprobs: Json | undefined): void {
  for (const each of asList(logprobs?.content)) {
    const token = asObject(each);
    if (token) token.top_logprobs ??= [];
  }
}

/** Puts into a whole answer's log probabilities what OpenAI's types require, in place. */
export function mendAnswer(json: unknown): void {
  for (const choice of asList(asObject(json)?.choices)) mendTokens(asObject(asObject(choice)?.logprobs));
}

/** Older releases make a new id for every chunk of an answer. */
function idPinner(): (chunk: Json) => string {
  let id: unknown;
  return (chunk) => {
    id ??= chunk.id;
    chunk.id = id;
    return String(id);
  };
}

/**
 * Makes, for one stream of a chat, what brings its chunks to OpenAI's form, in place: it leaves out whatever is not
 * set, and with it `finish_reason`, which OpenAI's types require.
 */
export function chatMender(): (chunk: Json) => void {
  const mend = openaiRules.mender?.();
  const mendCall = callMender();
  const pinned = idPinner();
  return (chunk) => {
    const answerId = pinned(chunk);
    for (const each of asList(chunk.choices)) {
      const choice = asObject(each);
      if (!choice) continue;
      choice.finish_reason ??= null;
      mendTokens(asObject(choice.logprobs));
      const delta = asObject(choice.delta);
      if (delta?.reasoning_content === "") delete delta.reasoning_content;
      for (const call of asList(delta?.tool_calls))
        mendCall(asObject(call) ?? {}, Number(choice.index ?? 0), answerId);
    }
    mend?.(chunk);
  };
}

/** Likewise for a stream of a completion, whose log probabilities tell wrong places of their tokens. */
export function completionMender(): (chunk: Json) => void {
  const mendOffsets = offsetMender();
  const pinned = idPinner();
  return (chunk) => {
    pinned(chunk);
    mendOffsets(chunk);
  };
}

/** Every chunk needs mending. Of an error in mid-stream it says nothing: the connection ends, and `[DONE]` is missing. */
const rules: ChunkRules = { ...openaiRules, mark: /^data:/m, judge: judgeTensorrtLlm };
/** Of a chat's stream. */
export const chatRules: ChunkRules = { ...rules, mender: chatMender };
/** Of a completion's stream. */
export const completionRules: ChunkRules = { ...rules, mender: completionMender };
