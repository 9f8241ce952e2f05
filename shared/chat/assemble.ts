import type { ChatCompletion, FinishReason } from "../contracts/chat.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import type { EngineEvent, EngineFault } from "../engines/engine.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import type { Frame } from "./chunk-writer.ts";
import { type Tally, count, emptyTally, faultOf, isComplete, usageOf } from "./tally.ts";

type Call = { id: string; type: "function"; function: { name: string; arguments: string } };
type Choice = {
  content: string;
  reasoning: string;
  calls: Call[];
  finish: FinishReason;
  logprobs: ChatCompletion["choices"][number]["logprobs"];
};

/** Puts an answer together from its events, for engines whose whole answers are not to be had. */
export class Assembly {
  readonly tally: Tally;
  readonly #choices: Choice[];
  readonly #frame: Frame;
  readonly #promptTokens: () => number;

  /** For `choices` of them; `promptTokens` estimates the prompt where the engine does not tell. */
  constructor(frame: Frame, choices: number, promptTokens: () => number) {
    this.tally = emptyTally(choices);
    this.#frame = frame;
    this.#promptTokens = promptTokens;
    this.#choices = Array.from({ length: choices }, () => ({
      content: "",
      reasoning: "",
      calls: [],
      finish: "stop" as const,
      logprobs: null,
    }));
  }

  /** Adds the next events. Nothing is taken after an end or a fault. */
  add(events: readonly EngineEvent[]): void {
    for (const event of events) {
      if (this.tally.done || this.tally.fault) return;
      count(this.tally, event);
      const choice = "index" in event ? this.#choices[event.index] : undefined;
      if (!choice) continue;
      if (event.type === "finish") choice.finish = event.reason;
      if (event.type === "delta") extend(choice, event);
    }
  }

  /** The answer to a chat; or why it is none. */
  chat(): Result<ChatCompletion, EngineFault> {
    if (!isComplete(this.tally)) return err(faultOf(this.tally));
    const { id, model, createdS: created } = this.#frame;
    const choices = this.#choices.map((choice, index) => ({
      index,
      message: {
        role: "assistant" as const,
        content: choice.content === "" && choice.calls.length > 0 ? null : choice.content,
        refusal: null,
        ...(choice.reasoning !== "" && { reasoning_content: choice.reasoning }),
        ...(choice.calls.length > 0 && { tool_calls: choice.calls }),
      },
      logprobs: choice.logprobs,
      finish_reason: choice.finish,
    }));
    return ok({ id, object: "chat.completion", created, model, choices, usage: this.#usage() });
  }

  /** The answer to a legacy completion; or why it is none. */
  completion({ echo, prompt }: CompletionRequest): Result<Completion, EngineFault> {
    if (!isComplete(this.tally)) return err(faultOf(this.tally));
    const { id, model, createdS: created } = this.#frame;
    const before = echo && typeof prompt === "string" ? prompt : "";
    const choices = this.#choices.map(({ content, finish }, index) => ({
      index,
      text: before + content,
      logprobs: null,
      finish_reason: finish === "length" || finish === "content_filter" ? finish : ("stop" as const),
    }));
    return ok({ id, object: "text_completion", created, model, choices, usage: this.#usage() });
  }

  #usage() {
    return usageOf(this.tally, this.#promptTokens);
  }
}

function extend(choice: Choice, delta: Extract<EngineEvent, { type: "delta" }>): void {
  choice.content += delta.content ?? "";
  choice.reasoning += delta.reasoning ?? "";
  for (const { index, id, function: called } of delta.toolCalls ?? []) {
    const call = (choice.calls[index] ??= {
      id: id ?? "",
      type: "function",
      function: { name: "", arguments: "" },
    });
    call.function.name += called?.name ?? "";
    call.function.arguments += called?.arguments ?? "";
  }
  const tokens = delta.logprobs?.content;
  if (tokens) choice.logprobs = { refusal: null, content: [...(choice.logprobs?.content ?? []), ...tokens] };
}
