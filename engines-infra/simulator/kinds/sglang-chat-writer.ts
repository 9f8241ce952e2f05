import type { ToolCall } from "../model/answer.ts";
import { hexDigits } from "../model/hash.ts";
import { listOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { DONE, sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { json, modelOf, sglangStream, usageOf } from "./sglang-http.ts";
import { idOf, matchedStop } from "./sglang-ids.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { includesUsage } from "./turn.ts";
import type { Turn } from "./turn.ts";

const callId = ({ serial }: Context, choice: number, index: number): string =>
  `call_${hexDigits(serial * 31 + choice * 100 + index, 24)}`;

/** A whole chat answer, with its nulls. */
export function sglangChatWhole(context: Context, body: JsonObject, turn: Turn, n: number): Reply {
  const top = wantedLogprobs(body);
  const choices = turn.answers.map((answer, index) => {
    const calls = answer.toolCalls.map((call, at) => ({
      id: callId(context, index, at),
      index: at,
      type: "function",
      function: { name: call.name, arguments: call.pieces.join("") },
    }));
    const reasoning = answer.reasoning.length > 0 ? answer.reasoning.join("") : null;
    return {
      index,
      message: {
        role: "assistant",
        content: answer.content.join(""),
        reasoning_content: reasoning,
        tool_calls: calls.length > 0 ? calls : null,
      },
      logprobs:
        top === undefined ? null : { content: answer.content.map((token) => chatLogprob(token, top)) },
      finish_reason: answer.finish,
      matched_stop: matchedStop(answer),
    };
  });
  const reply = (list: unknown) => ({
    id: idOf(context, body, 0, { prompts: 1, n }),
    object: "chat.completion",
    created: turn.createdS,
    model: modelOf(body),
    choices: list,
    ...(turn.usage ? { usage: usageOf(turn.usage) } : {}),
    metadata: { weight_version: "default" },
  });
  const message = { role: "assistant", content: "", reasoning_content: null, tool_calls: null };
  const given = { index: 0, message, logprobs: null, finish_reason: "abort", matched_stop: null };
  return { ...json(200, reply(choices)), tokens: turn.tokens, aborted: JSON.stringify(reply([given])) };
}

/** A delta beside tools, from a serializer that writes every member. */
const fullDelta = (said: JsonObject): JsonObject => ({
  role: null,
  content: null,
  reasoning_content: null,
  tool_calls: null,
  ...said,
});

/** A streamed chat answer: the finish reasons of all choices come behind all of their text. */
export function sglangChatStream(context: Context, body: JsonObject, turn: Turn, n: number): Reply {
  const top = wantedLogprobs(body);
  const told = includesUsage(body) ? turn.usage : undefined;
  const continuous = objectOf(body["stream_options"])["continuous_usage_stats"] === true;
  const besideTools = listOf(body["tools"]).length > 0 && body["tool_choice"] !== "none";
  const chunkOf = (choice: number, choices: unknown[], more: JsonObject = {}) => {
    const id = idOf(context, body, choice, { prompts: 1, n });
    const head = { id, object: "chat.completion.chunk", created: turn.createdS, model: modelOf(body) };
    return sse({ ...head, choices, ...more });
  };
  const choiceOf = (
    index: number,
    delta: JsonObject,
    logprobs: unknown = null,
    finish: string | null = null,
  ) => ({
    index,
    delta,
    logprobs,
    finish_reason: finish,
  });
  let produced = 0;
  const running = (): JsonObject | undefined =>
    continuous && turn.usage
      ? usageOf({ ...turn.usage, completion: produced, total: turn.usage.prompt + produced })
      : undefined;
  /** Of the short serializer: what is not there is left out, but for the reasoning. */
  const short = (index: number, said: JsonObject, logprobs: unknown = null): string => {
    const choice = choiceOf(index, { reasoning_content: null, ...said }, logprobs);
    const usage = "role" in said ? undefined : running();
    return chunkOf(index, [{ ...choice, matched_stop: null }], usage ? { usage } : {});
  };
  const full = (index: number, said: JsonObject): string =>
    chunkOf(index, [{ ...choiceOf(index, fullDelta(said)), matched_stop: null }], {
      usage: running() ?? null,
    });

  function wiresOf(step: Exclude<Step, { type: "close" }>): string[] {
    const index = step.choice;
    switch (step.type) {
      case "open":
        return [short(index, { role: "assistant", content: "" })];
      case "reasoning":
        return [short(index, { reasoning_content: step.text })];
      case "text": {
        const logprobs = top === undefined ? null : { content: [chatLogprob(step.text, top)] };
        if (!besideTools) return [short(index, { content: step.text }, logprobs)];
        // Log probabilities come behind in a chunk of their own there.
        return [full(index, { content: step.text }), ...(logprobs ? [short(index, {}, logprobs)] : [])];
      }
      case "call":
        return [
          full(index, { tool_calls: [toolCall(callId(context, index, step.index), step.index, step.call)] }),
        ];
      case "arguments":
        return [full(index, { tool_calls: [toolCall(null, step.index, undefined, step.piece)] })];
    }
  }

  function* events(): Generator<WireEvent> {
    const closes: Extract<Step, { type: "close" }>[] = [];
    for (const step of steps(turn.answers)) {
      produced += step.tokens;
      if (step.type === "close") closes.push(step);
      else {
        const part = step.type === "open" ? "role" : "text";
        yield { part, wire: wiresOf(step).join(""), tokens: step.tokens };
      }
    }
    for (const { choice, answer, tokens } of closes) {
      const finished = choiceOf(choice, { reasoning_content: null }, null, answer.finish);
      const wire = chunkOf(closes.length - 1, [{ ...finished, matched_stop: matchedStop(answer) }]);
      yield { part: "finish", wire, tokens };
    }
    if (told) yield { part: "usage", wire: chunkOf(0, [], { usage: usageOf(told) }), tokens: 0 };
  }

  const prompt = told ? usageOf({ ...told, completion: 0, total: told.prompt, reasoning: 0 }) : undefined;
  const given = { ...choiceOf(0, { reasoning_content: null }, null, "abort"), matched_stop: null };
  return sglangStream(events(), prompt ? [chunkOf(0, [], { usage: prompt })] : [], [
    chunkOf(0, [given]),
    DONE,
  ]);
}

/** A piece of a call; only its first has an id and a name, and the others say so with nulls. */
function toolCall(id: string | null, index: number, call: ToolCall | undefined, piece = ""): JsonObject {
  return { id, index, type: "function", function: { name: call?.name ?? null, arguments: piece } };
}
