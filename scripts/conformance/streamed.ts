import type { ChatLogprobs } from "../../shared/contracts/chat.ts";
import type { Usage } from "../../shared/contracts/common.ts";
import type { EngineEvent, EngineFault } from "../../shared/engines/engine.ts";

/** A streamed answer, put together: one choice. */
export type StreamedChoice = {
  content: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
  logprobs: NonNullable<ChatLogprobs["content"]>;
  finish: string | undefined;
  /** The pieces that the content came in. */
  pieces: string[];
};

/** A streamed answer, put together. */
export type Streamed = {
  readonly choices: StreamedChoice[];
  readonly usage: Usage | undefined;
  readonly errors: readonly EngineFault[];
  readonly done: boolean;
  readonly bytes: Uint8Array;
};

const emptyChoice = (): StreamedChoice => ({
  content: "",
  reasoning: "",
  calls: [],
  logprobs: [],
  finish: undefined,
  pieces: [],
});

/** Joins a stream's events. `usagePerChoice`: usage is told once for each choice, of that choice alone. */
export function joinEvents(
  events: readonly EngineEvent[],
  { bytes, usagePerChoice }: { readonly bytes: Uint8Array; readonly usagePerChoice: boolean },
): Streamed {
  const choices: StreamedChoice[] = [];
  for (const event of events) {
    if (event.type === "delta") addDelta((choices[event.index] ??= emptyChoice()), event);
    if (event.type === "finish") (choices[event.index] ??= emptyChoice()).finish = event.reason;
  }
  const told = events.flatMap((event) => (event.type === "usage" ? [event.usage] : []));
  return {
    choices,
    usage: usagePerChoice && told.length === choices.length ? summed(told) : told.at(-1),
    errors: events.flatMap((event) => (event.type === "error" ? [event.fault] : [])),
    done: events.some(({ type }) => type === "done"),
    bytes,
  };
}

function addDelta(choice: StreamedChoice, delta: Extract<EngineEvent, { type: "delta" }>): void {
  choice.content += delta.content ?? "";
  choice.reasoning += delta.reasoning ?? "";
  choice.logprobs.push(...(delta.logprobs?.content ?? []));
  if (delta.content) choice.pieces.push(delta.content);
  for (const { index, id, function: called } of delta.toolCalls ?? []) {
    const call = (choice.calls[index] ??= { id: "", name: "", arguments: "" });
    call.id += id ?? "";
    call.name += called?.name ?? "";
    call.arguments += called?.arguments ?? "";
  }
}

/** Each choice was made of the same prompt. */
const summed = (told: readonly Usage[]): Usage | undefined =>
  told.reduce<Usage | undefined>((sum, usage) => {
    const completion = (sum?.completion_tokens ?? 0) + usage.completion_tokens;
    return { ...usage, completion_tokens: completion, total_tokens: usage.prompt_tokens + completion };
  }, undefined);
