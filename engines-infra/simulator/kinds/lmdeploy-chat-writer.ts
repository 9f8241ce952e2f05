import type { ToolCall } from "../model/answer.ts";
import { alphanumeric } from "../model/hash.ts";
import { parseJson } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { json, lmdeployStream, modelOf, pendingUsage, usageOf } from "./lmdeploy-http.ts";
import { lmdeployLogprob } from "./lmdeploy-logprobs.ts";
import { wantedLogprobs } from "./logprobs.ts";
import { pythonSse, spaced } from "./python-json.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { includesUsage } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

/** As long as `shortuuid` makes them. */
const ID_CHARS = 22;

const headOf = ({ serial }: Context, object: string, body: JsonObject, turn: Turn) => ({
  id: `chatcmpl-${alphanumeric(serial, ID_CHARS)}`,
  object,
  created: turn.createdS,
  model: modelOf(body),
});

const callId = ({ serial }: Context, choice: number, index: number): string =>
  alphanumeric(serial * 31 + choice * 100 + index, ID_CHARS);

/** The arguments of a call as Python writes them; undefined where they were cut off. */
function argumentsOf({ pieces }: ToolCall): string | undefined {
  const value = parseJson(pieces.join(""));
  return value === undefined ? undefined : spaced(value);
}

const chatUsage = (usage: Usage): JsonObject => ({
  ...usageOf(usage),
  prompt_tokens_details: { cached_tokens: 0 },
  // Counted where there is a parser for reasoning and something to count.
  ...(usage.reasoning > 0 && { completion_tokens_details: { reasoning_tokens: usage.reasoning } }),
});

/** A whole chat answer, with its nulls. */
export function lmdeployChatWhole(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const choices = turn.answers.map((answer, index) => {
    const calls = answer.toolCalls.map((call, at) => ({
      id: `chatcmpl-${callId(context, index, at)}`,
      type: "function",
      function: { name: call.name, arguments: argumentsOf(call) ?? "" },
    }));
    const logprobs =
      top === undefined ? null : { content: answer.content.map((token) => lmdeployLogprob(token, top)) };
    return {
      index,
      message: {
        role: "assistant",
        content: answer.content.join(""),
        reasoning_content: answer.reasoning.length > 0 ? answer.reasoning.join("") : null,
        tool_calls: calls.length > 0 ? calls : null,
      },
      logprobs,
      output_token_logprobs: null,
      finish_reason: answer.finish,
      output_ids: null,
      routed_experts: null,
    };
  });
  const usage = turn.usage && { completion_tokens_details: null, ...chatUsage(turn.usage) };
  const { completion_tokens_details: details = null, ...counts } = usage ?? {};
  const reply = {
    ...headOf(context, "chat.completion", body, turn),
    choices,
    ...(usage && { usage: { ...counts, completion_tokens_details: details } }),
    service_tier: null,
  };
  return { ...json(200, reply), tokens: turn.tokens };
}

/** A streamed chat answer: the role in every delta, nulls left out, and no chunk before the first token. */
export function lmdeployChatStream(context: Context, body: JsonObject, turn: Turn): Reply {
  const top = wantedLogprobs(body);
  const head = headOf(context, "chat.completion.chunk", body, turn);
  const told = includesUsage(body) ? turn.usage : undefined;
  const pending = pendingUsage(body);
  const chunk = (index: number, said: JsonObject, more: JsonObject = {}): string => {
    const choice = { index, delta: { role: "assistant", ...said }, ...more };
    return pythonSse({ ...head, choices: [choice], ...pending });
  };

  const said = new Map<ToolCall, number>();
  /** A call's arguments come when they are complete, and empty ones never. */
  function argumentsWire({ choice, index }: { choice: number; index: number }): string {
    const call = turn.answers[choice]?.toolCalls[index];
    if (!call) return "";
    const pieces = (said.get(call) ?? 0) + 1;
    said.set(call, pieces);
    const all = pieces === call.pieces.length ? argumentsOf(call) : undefined;
    if (all === undefined || all === "{}") return "";
    return chunk(choice, { tool_calls: [{ index, function: { arguments: all } }] });
  }

  function wireOf(step: Exclude<Step, { type: "close" }>): string {
    const index = step.choice;
    switch (step.type) {
      case "open":
        return "";
      case "reasoning":
        return chunk(index, { reasoning_content: step.text });
      case "text":
        return chunk(
          index,
          { content: step.text },
          top === undefined ? {} : { logprobs: { content: [lmdeployLogprob(step.text, top)] } },
        );
      case "call": {
        const id = `chatcmpl-tool-${callId(context, index, step.index)}`;
        const call = { id, type: "function", index: step.index, function: { name: step.call.name } };
        return chunk(index, { tool_calls: [call] });
      }
      case "arguments":
        return argumentsWire(step);
    }
  }

  function* events(): Generator<WireEvent> {
    for (const step of steps(turn.answers)) {
      if (step.type === "open") continue;
      if (step.type === "close") {
        const wire = chunk(step.choice, { content: "" }, { finish_reason: step.answer.finish });
        yield { part: "finish", wire, tokens: step.tokens };
      } else yield { part: "text", wire: wireOf(step), tokens: step.tokens };
    }
    // Made by another function than the chunks before it: without spaces.
    if (told) yield { part: "usage", wire: sse({ ...head, choices: [], usage: chatUsage(told) }), tokens: 0 };
  }

  return lmdeployStream(events());
}
