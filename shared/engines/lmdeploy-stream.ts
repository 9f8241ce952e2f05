import type { ChatRequest, ToolCallDelta } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { type SseEvent, SseScanner } from "../streams/sse.ts";
import type { EngineEvent, StreamDecoder } from "./engine.ts";
import { Choice, type Piece } from "./lmdeploy-choice.ts";
import { judgeLmdeploy } from "./lmdeploy-fault.ts";
import { mendLogprobs } from "./lmdeploy-logprobs.ts";
import { countPrompts } from "./openai-dialect.ts";
import { eventsOfSse } from "./openai-stream.ts";

type Body = ChatRequest | CompletionRequest;
type Delta = Extract<EngineEvent, { type: "delta" }>;

/** The texts at which an answer ends. */
const stopsOf = ({ stop }: Body): readonly string[] => (typeof stop === "string" ? [stop] : (stop ?? []));

const topOf = (body: Body): number => ("messages" in body ? ((body as ChatRequest).top_logprobs ?? 0) : 0);

/** Reads the events of an answer as LMDeploy sends them, and gives those of the answer as it was asked for. */
class Answer {
  readonly #stops: readonly string[];
  readonly #prompts: number;
  readonly #top: number;
  /** The prompt whose answer comes. They are answered one after the other, all under index 0. */
  #index = 0;
  #choice: Choice;
  /** Calls that have been named, and have no arguments yet: of none but `{}` the engine says nothing. */
  #bare = new Set<number>();

  constructor(body: Body) {
    this.#stops = stopsOf(body);
    this.#prompts = countPrompts(body);
    this.#top = topOf(body);
    this.#choice = new Choice(this.#stops);
  }

  take(event: EngineEvent): EngineEvent[] {
    if (event.type === "delta") return this.#delta(event);
    if (event.type === "finish") return this.#finish(event);
    return [event.type === "error" ? { ...event, fault: judgeLmdeploy(event.fault) } : event];
  }

  #delta({ content, logprobs, ...rest }: Delta): EngineEvent[] {
    if (this.#choice.stopped) return [];
    for (const call of rest.toolCalls ?? []) this.#note(call);
    const told = logprobs && mendLogprobs(logprobs, this.#top);
    const shown = this.#choice.push({ content, logprobs: told });
    const events = this.#shown(shown, rest);
    if (!this.#choice.stopped) return events;
    const stopped: EngineEvent[] = [...events, { type: "finish", index: this.#index, reason: "stop" }];
    // The engine would go on to its own end.
    return this.#index === this.#prompts - 1 ? [...stopped, { type: "done", early: true }] : stopped;
  }

  #finish({ reason }: Extract<EngineEvent, { type: "finish" }>): EngineEvent[] {
    const index = this.#index;
    const stopped = this.#choice.stopped;
    const events: EngineEvent[] = stopped
      ? []
      : [
          ...this.#shown(this.#choice.end(), {}),
          ...this.#emptyArguments(),
          { type: "finish", index, reason },
        ];
    this.#index += 1;
    this.#choice = new Choice(this.#stops);
    return events;
  }

  #shown({ content, logprobs }: Piece, rest: Pick<Delta, "reasoning" | "toolCalls">): EngineEvent[] {
    const hasText = content !== undefined && content !== "";
    if (!hasText && !logprobs && !rest.reasoning && !rest.toolCalls) return [];
    const { reasoning, toolCalls } = rest;
    return [
      {
        type: "delta",
        index: this.#index,
        ...(hasText && { content }),
        ...(reasoning !== undefined && { reasoning }),
        ...(toolCalls && { toolCalls }),
        ...(logprobs && { logprobs }),
      },
    ];
  }

  #note({ index, function: called }: ToolCallDelta): void {
    if (called?.name !== undefined) this.#bare.add(index);
    if (called?.arguments) this.#bare.delete(index);
  }

  #emptyArguments(): EngineEvent[] {
    const toolCalls = [...this.#bare].map((index) => ({ index, function: { arguments: "{}" } }));
    return toolCalls.length > 0 ? [{ type: "delta", index: this.#index, toolCalls }] : [];
  }
}

/**
 * Decodes a stream of LMDeploy, in which null members are left out, every delta has the role, and all prompts have the
 * same index: https://github.com/InternLM/lmdeploy/blob/main/lmdeploy/serve/openai/chat_completions/serving.py
 */
export function lmdeployDecoder(body: Body): StreamDecoder {
  const scanner = new SseScanner();
  const answer = new Answer(body);
  const read = (events: SseEvent[]): EngineEvent[] =>
    events.flatMap(({ raw, data }) => eventsOfSse(raw, data)).flatMap((event) => answer.take(event));
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}
