/** POST /v1/chat/completions */
import type {
  AnswerHead,
  ChatChoice,
  FinishReason,
  ToolCallBody,
  ToolCallDelta,
} from "../protocol/bodies.ts";
import { chatBody, chatChunk, chatUsageChunk } from "../protocol/bodies.ts";
import type { ChatPlan } from "../protocol/chat-request.ts";
import { planChat } from "../protocol/chat-request.ts";
import type { Fields } from "../protocol/fields.ts";
import type { LogprobBody } from "../protocol/logprobs.ts";
import { NO_COST, addChoice, timingsBody } from "../protocol/usage.ts";
import { chatEvents } from "./chat-events.ts";
import type { Answer, Engine, Events } from "./context.ts";
import { answerHead, checkContext, checkLanguageModel, failure, json, vocabularyOf } from "./context.ts";
import type { Lease } from "./slots.ts";

export async function handleChat(engine: Engine, fields: Fields, signal: AbortSignal): Promise<Answer> {
  const model = checkLanguageModel(engine, fields);
  if (!model.ok) return failure(model.failure);
  const plan = planChat(fields, engine.model, vocabularyOf(engine.model), engine.random);
  if (!plan.ok) return failure(plan.failure);
  const fits = checkContext(engine, plan.value.prompt);
  if (!fits.ok) return failure(fits.failure);
  const admitted = engine.pool.take(plan.value.prompt, signal);
  if (!admitted.ok) return failure(admitted.failure);
  const head = answerHead(engine, model.value);
  return plan.value.options.stream
    ? { kind: "events", events: streamed(engine, plan.value, admitted.value, head, signal) }
    : whole(engine, plan.value, admitted.value, head, signal);
}

async function* streamed(
  engine: Engine,
  plan: ChatPlan,
  admission: Promise<Lease | undefined>,
  head: AnswerHead,
  signal: AbortSignal,
): Events {
  const lease = await admission;
  if (!lease) return;
  try {
    const { choices, includeUsage } = plan.options;
    let cost = NO_COST;
    for (let index = 0; index < choices && !signal.aborted; index += 1) {
      yield chatChunk(head, index, { role: "assistant", content: null });
      for await (const event of chatEvents(engine, plan, lease, index, signal)) {
        if (event.kind === "text")
          yield chatChunk(head, index, { content: event.text }, null, event.logprobs);
        else if (event.kind === "call") yield chatChunk(head, index, { tool_calls: [event.delta] });
        else {
          cost = addChoice(cost, event.cost, index);
          // Timings sit on whichever chunk is the last one.
          const isLast = index === choices - 1 && !includeUsage;
          yield {
            ...chatChunk(head, index, {}, event.reason),
            ...(isLast ? { timings: timingsBody(cost) } : {}),
          };
        }
      }
    }
    if (includeUsage) yield { ...chatUsageChunk(head, cost), timings: timingsBody(cost) };
  } finally {
    lease.release();
  }
}

async function whole(
  engine: Engine,
  plan: ChatPlan,
  admission: Promise<Lease | undefined>,
  head: AnswerHead,
  signal: AbortSignal,
): Promise<Answer> {
  const lease = await admission;
  if (!lease) return { kind: "nobody" };
  try {
    const choices: ChatChoice[] = [];
    let cost = NO_COST;
    for (let index = 0; index < plan.options.choices; index += 1) {
      let finishReason: FinishReason | undefined;
      let content = "";
      const toolCalls: ToolCallBody[] = [];
      const logprobs: LogprobBody[] = [];
      for await (const event of chatEvents(engine, plan, lease, index, signal)) {
        if (event.kind === "text") {
          content += event.text;
          logprobs.push(...event.logprobs);
        } else if (event.kind === "call") appendCall(toolCalls, event.delta);
        else {
          finishReason = event.reason;
          cost = addChoice(cost, event.cost, index);
        }
      }
      if (!finishReason) return { kind: "nobody" };
      const wanted = plan.options.topLogprobs !== undefined;
      choices.push({ index, finishReason, content, toolCalls, ...(wanted ? { logprobs } : {}) });
    }
    return json(chatBody(head, choices, cost));
  } finally {
    lease.release();
  }
}

function appendCall(calls: ToolCallBody[], delta: ToolCallDelta): void {
  const call = (calls[delta.index] ??= { type: "function", function: { name: "", arguments: "" }, id: "" });
  call.id += delta.id ?? "";
  call.function.name += delta.function.name ?? "";
  call.function.arguments += delta.function.arguments;
}
