import type { ChatCompletion, ChatRequest } from "../contracts/chat.ts";
import { type Result, err } from "../kernel/result.ts";
import { splitThinking } from "../streams/think-text.ts";
import type { EngineCall, EngineFault } from "./engine.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import { asList, asObject } from "../kernel/json.ts";
import { openaiDialect } from "./openai-dialect.ts";
import { faultIn } from "./tgi-fault.ts";
import { entriesOf, readEntries } from "./tgi-logprobs.ts";
import { stopsOf } from "./tgi-request.ts";

type Json = Record<string, unknown>;

/** A text up to its first stop text, and whether there was one: TGI keeps them, and goes on over some. */
export function cutAtStop(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopMatcher(stops);
  const shown = matcher.push(text) + matcher.end();
  return { text: shown, stopped: matcher.found !== undefined };
}

/** Reads a whole answer of `POST /v1/chat/completions`, whose id is always empty. */
export function answerChat(
  json: unknown,
  call: EngineCall<ChatRequest>,
): Result<ChatCompletion, EngineFault> {
  const answer = asObject(json);
  if (answer?.error != null) return err(faultIn(answer.error));
  if (!answer) return openaiDialect.chat.answer(json, call);
  const choices = asList(answer.choices).map((each) => mendChoice(asObject(each) ?? {}, call));
  const id = `chatcmpl-${call.requestId}`;
  return openaiDialect.chat.answer({ ...answer, id, model: call.body.model, choices }, call);
}

function mendChoice({ message: said, logprobs, ...choice }: Json, call: EngineCall<ChatRequest>): Json {
  const message = asObject(said);
  if (!message) return choice;
  const calls = asList(message.tool_calls);
  if (calls.length > 0)
    return {
      ...choice,
      message: { ...message, tool_calls: calls.map((each, at) => mendCall(each, at, call)) },
    };
  const { text, stopped } = cutAtStop(String(message.content ?? ""), stopsOf(call.body));
  const { reasoning, content } = splitThinking(text);
  return {
    ...choice,
    message: { ...message, content, ...(reasoning !== "" && { reasoning_content: reasoning }) },
    finish_reason: stopped ? "stop" : choice.finish_reason,
    logprobs: asObject(logprobs)
      ? { content: entriesShown(logprobs, text.length, choice.finish_reason), refusal: null }
      : null,
  };
}

/** The end-of-sequence token is among them where it ended the text, and is no part of it. */
function entriesShown(logprobs: unknown, chars: number, finish: unknown) {
  const entries = readEntries(logprobs);
  return entriesOf(finish === "stop" ? entries.slice(0, -1) : entries, chars);
}

/** Every call has the id `0` there: an answer's own keeps calls of several turns apart. */
function mendCall(value: unknown, at: number, { requestId }: EngineCall<ChatRequest>): Json {
  const called = asObject(asObject(value)?.function);
  const { description: _, ...rest } = called ?? {};
  return { ...asObject(value), id: `call_${requestId}_${at}`, function: rest };
}
