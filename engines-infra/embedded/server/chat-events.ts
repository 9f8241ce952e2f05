/** One choice of a chat answer as events: text, pieces of a tool call, and how it ended. */
import type { FinishReason, ToolCallDelta } from "../protocol/bodies.ts";
import type { ChatPlan } from "../protocol/chat-request.ts";
import { randomName } from "../protocol/ids.ts";
import type { LogprobBody } from "../protocol/logprobs.ts";
import { TOOL_CALL_START, ToolCallReader } from "../protocol/tools.ts";
import type { Cost } from "../protocol/usage.ts";
import type { Engine } from "./context.ts";
import { checkContext } from "./context.ts";
import type { Ending, GenerationJob } from "./generate.ts";
import { generate } from "./generate.ts";
import type { Lease } from "./slots.ts";
import { through } from "./through.ts";

/** `end` comes last and once, unless nobody was listening any more. */
export type ChatEvent =
  | { kind: "text"; text: string; logprobs: LogprobBody[] }
  | { kind: "call"; delta: ToolCallDelta }
  | { kind: "end"; reason: FinishReason; cost: Cost };

export async function* chatEvents(
  engine: Engine,
  { options, calls, prompt, grammar }: ChatPlan,
  lease: Lease,
  index: number,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent, void> {
  const job: GenerationJob = {
    prompt,
    sampling: { ...options.sampling, seed: (options.sampling.seed + index) >>> 0 },
    reuse: options.repeatable ? "exact" : "most",
    outputTokensMax: options.outputTokensMax,
    stop: [],
  };
  if (calls?.required) {
    const called = yield* callEvents(engine, lease, { ...job, grammar: calls.grammar }, signal);
    return yield* ending(called.reason, finishOfCall(called), called.cost);
  }

  let said = "";
  const stop = calls ? [...options.stop, TOOL_CALL_START] : options.stop;
  const pieces = generate(engine, lease, { ...job, grammar, topLogprobs: options.topLogprobs, stop }, signal);
  const spoken = yield* through(pieces, (piece): ChatEvent => {
    said += piece.text;
    return { kind: "text", ...piece };
  });
  if (!calls || spoken.stoppedBy !== TOOL_CALL_START) {
    return yield* ending(spoken.reason, spoken.reason === "length" ? "length" : "stop", spoken.cost);
  }

  // The model began a call of its own accord: from here on a grammar holds it to a valid one.
  const longer = [...prompt, ...engine.model.tokenize(`${said}${TOOL_CALL_START}\n`, true)];
  const outputTokensMax = options.outputTokensMax - spoken.cost.outputTokens;
  if (outputTokensMax <= 0 || !checkContext(engine, longer).ok) {
    return yield* ending("length", "length", spoken.cost);
  }
  const callJob = { ...job, prompt: longer, outputTokensMax, grammar: calls.grammar };
  const called = yield* callEvents(engine, lease, callJob, signal);
  yield* ending(called.reason, finishOfCall(called), {
    ...spoken.cost,
    outputTokens: spoken.cost.outputTokens + called.cost.outputTokens,
    outputMs: spoken.cost.outputMs + called.cost.promptMs + called.cost.outputMs,
  });
}

function* ending(how: Ending["reason"], reason: FinishReason, cost: Cost): Generator<ChatEvent, void> {
  if (how !== "aborted") yield { kind: "end", reason, cost };
}

const finishOfCall = (ended: Ending): FinishReason => (ended.reason === "length" ? "length" : "tool_calls");

/** The pieces of one tool call; the id and the name come with the first. */
function callEvents(
  engine: Engine,
  lease: Lease,
  job: GenerationJob,
  signal: AbortSignal,
): AsyncGenerator<ChatEvent, Ending> {
  const reader = new ToolCallReader();
  return through(generate(engine, lease, job, signal), ({ text }): ChatEvent | undefined => {
    const piece = reader.push(text);
    if (!piece) return undefined;
    const { name, arguments: argumentsJson } = piece;
    const delta: ToolCallDelta =
      name === undefined
        ? { index: 0, function: { arguments: argumentsJson } }
        : {
            index: 0,
            id: randomName(engine.random),
            type: "function",
            function: { name, arguments: argumentsJson },
          };
    return { kind: "call", delta };
  });
}
