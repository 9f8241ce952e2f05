import type { Answer } from "../model/answer.ts";
import { hexDigits } from "../model/hash.ts";
import { objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { DONE, sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { json } from "./tensorrt-llm-http.ts";
import type { Turn, Usage } from "./turn.ts";

/** Writes a turn as trtllm-serve does. `named` is the tool that the caller chose: all of the text is its arguments. */
export function tensorrtLlmChatWriter(
  context: Context,
  body: JsonObject,
  turn: Turn,
  named: string | undefined,
) {
  const { serial } = context;
  const model = body["model"] ?? "";
  const top = wantedLogprobs(body);
  const callId = (at: number) => `chatcmpl-tool-${hexDigits(serial * 31 + at, 32)}`;

  function whole(): Reply {
    const choices = turn.answers.map((answer, index) => ({
      index,
      message: messageOf(answer, index),
      logprobs: top === undefined ? null : { content: answer.content.map((token) => logprobOf(token, top)) },
      finish_reason: answer.finish,
      stop_reason: answer.stopMatch,
      mm_embedding_handle: null,
      disaggregated_params: null,
      avg_decoded_tokens_per_iter: null,
    }));
    const reply = {
      id: `chatcmpl-${hexDigits(serial, 32)}`,
      object: "chat.completion",
      created: turn.createdS,
      model,
      choices,
      usage: turn.usage ? usageOf(turn.usage) : null,
      prompt_token_ids: null,
    };
    return { ...json(200, reply), tokens: turn.tokens };
  }

  function messageOf(answer: Answer, index: number): JsonObject {
    const said = answer.content.join("");
    const reasoning = answer.reasoning.join("");
    if (named !== undefined) {
      const call = { id: callId(index), type: "function", function: { name: named, arguments: said } };
      return { role: "assistant", content: "", reasoning_content: null, reasoning: null, tool_calls: [call] };
    }
    const calls = answer.toolCalls.map((each, at) => ({
      id: callId(index * 100 + at),
      type: "function",
      function: { name: each.name, arguments: each.pieces.join("") },
    }));
    return {
      role: "assistant",
      content: said,
      reasoning_content: reasoning === "" ? null : reasoning,
      reasoning: null,
      tool_calls: calls,
    };
  }

  /** What one step adds: whatever is not set is left out. */
  function delta(step: Step): JsonObject {
    switch (step.type) {
      case "open":
        return { role: "assistant" };
      case "reasoning":
        return { content: "", reasoning_content: step.text };
      case "text":
        return named === undefined ? { content: step.text, reasoning_content: "" } : namedPiece(step);
      case "call": {
        const fn = { name: step.call.name, arguments: "" };
        const id = callId(step.choice * 100 + step.index);
        return {
          content: "",
          reasoning_content: "",
          tool_calls: [{ id, type: "function", index: step.index, function: fn }],
        };
      }
      case "arguments": {
        const piece = { type: "function", index: step.index, function: { arguments: step.piece } };
        return { content: "", reasoning_content: "", tool_calls: [piece] };
      }
      case "close":
        return named === undefined
          ? { content: "", reasoning_content: "" }
          : namedPiece({ ...step, text: "" });
    }
  }

  /** No id, the name each time, and the choice's index for the call's. */
  function namedPiece({ choice, text }: { choice: number; text: string }): JsonObject {
    const fn = { name: named ?? "", arguments: text };
    return { tool_calls: [{ type: "function", index: choice, function: fn }] };
  }

  function* events(): Generator<WireEvent> {
    const options = objectOf(body["stream_options"]);
    const asked = body["stream_options"] != null && options["include_usage"] !== false;
    const told = asked ? turn.usage : undefined;
    const continuous = told && options["continuous_usage_stats"] === true;
    const head = { id: `chatcmpl-${serial}`, object: "chat.completion.chunk", created: turn.createdS, model };
    let produced = 0;
    for (const step of steps(turn.answers)) {
      produced += step.tokens;
      const choice: JsonObject = { index: step.choice, delta: delta(step) };
      if (top !== undefined && step.type === "text")
        choice["logprobs"] = { content: [withoutNull(step.text, top)] };
      if (step.type === "close") {
        choice["finish_reason"] = step.answer.finish;
        if (step.answer.stopMatch !== null) choice["stop_reason"] = step.answer.stopMatch;
      }
      const running = continuous
        ? { usage: usageOf({ ...told, completion: produced, total: told.prompt + produced }) }
        : {};
      const wire = sse({ ...head, choices: [choice], ...running });
      if (step.type === "open") yield { part: "role", wire: opening(wire), tokens: 0 };
      else yield { part: step.type === "close" ? "finish" : "text", wire, tokens: step.tokens };
    }
    if (told) yield { part: "usage", wire: sse({ ...head, choices: [], usage: usageOf(told) }), tokens: 0 };
  }

  return { whole, stream: () => tensorrtLlmStream(events()) };
}

/** The first chunk of a choice comes from another hand: a space stands before its line feeds. */
const opening = (wire: string): string => wire.replace(/\n\n$/, " \n\n");

/** Alternatives are null where none were asked for. */
function logprobOf(token: string, top: number): JsonObject {
  const told = chatLogprob(token, top);
  return { ...told, top_logprobs: top === 0 ? null : told.top_logprobs };
}

/** Likewise in a stream, which leaves out what is null. */
function withoutNull(token: string, top: number): JsonObject {
  const { top_logprobs, ...told } = chatLogprob(token, top);
  return top === 0 ? told : { ...told, top_logprobs };
}

/** A stream as trtllm-serve frames it: when it fails it says nothing more, and the connection closes. */
export function tensorrtLlmStream(events: Iterable<WireEvent>): Reply {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  return { type: "stream", headers, events, trouble: [], closesInTrouble: true, end: DONE };
}

/** `usage` in its order. */
export function usageOf({ prompt, total, completion }: Usage) {
  return {
    prompt_tokens: prompt,
    total_tokens: total,
    completion_tokens: completion,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}
