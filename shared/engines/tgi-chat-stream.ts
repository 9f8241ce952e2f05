import type { ChatRequest, FinishReason } from "../contracts/chat.ts";
import { isFunctionTool } from "../contracts/chat.ts";
import { SseScanner } from "../streams/sse.ts";
import type { EngineEvent, StreamDecoder } from "./engine.ts";
import { asList, asObject, objectIn } from "../kernel/json.ts";
import { readUsage } from "./openai-answer.ts";
import { broken, readChunk } from "./tgi-fault.ts";
import { readEntries } from "./tgi-logprobs.ts";
import { stopsOf } from "./tgi-request.ts";
import { TextReader } from "./tgi-text.ts";

type Json = Record<string, unknown>;

/**
 * Decodes the stream of `POST /v1/chat/completions`:
 * https://github.com/huggingface/text-generation-inference/blob/main/router/src/chat.rs
 */
export function tgiChatDecoder(body: ChatRequest): StreamDecoder {
  const scanner = new SseScanner();
  const answer = new ChatAnswer(body);
  // What has no data is a comment, by which it keeps a silent connection open.
  const read = (events: ReturnType<SseScanner["push"]>): EngineEvent[] =>
    events.flatMap(({ data }) => (data === undefined ? [] : answer.take(data)));
  return { push: (bytes) => read(scanner.push(bytes)), end: () => read(scanner.end()) };
}

/** What one choice has said so far. There is one choice only, and it calls one tool at most. */
class ChatAnswer {
  readonly #body: ChatRequest;
  readonly #text: TextReader;
  #call: { name: string; arguments: string } | undefined;
  #createdS: unknown;
  #finished = false;
  #spoke = false;
  #tokens = 0;

  constructor(body: ChatRequest) {
    this.#body = body;
    this.#text = new TextReader({ index: 0, stops: stopsOf(body), thinks: true });
  }

  take(data: string): EngineEvent[] {
    if (data.startsWith("[DONE]")) return [...this.#end(), { type: "done" }];
    const read = readChunk(data);
    if (!read.ok) return [{ type: "error", fault: read.error }];
    const chunk = read.value;
    this.#createdS = chunk.created;
    const events = asList(chunk.choices).flatMap((choice) => this.#choice(asObject(choice) ?? {}));
    const usage = readUsage(chunk.usage);
    if (!usage) return events;
    this.#tokens = usage.completion_tokens;
    return [...events, { type: "usage", usage }];
  }

  #choice({ delta: said, logprobs, finish_reason: reason }: Json): EngineEvent[] {
    if (this.#finished) return [];
    this.#spoke = true;
    const delta = asObject(said);
    const calls = asList(delta?.tool_calls);
    for (const each of calls) this.#takeCall(asObject(asObject(each)?.function) ?? {});
    const text = typeof delta?.content === "string" ? delta.content : "";
    const ends = typeof reason === "string" && reason !== "";
    // The end-of-sequence token has a probability, and is no part of the text.
    const entries = ends && reason === "stop" ? [] : readEntries(logprobs);
    const events: EngineEvent[] = calls.length > 0 ? [] : this.#text.push(text, entries);
    if (ends) return [...events, ...this.#finish(reason === "length" ? "length" : "stop")];
    if (!this.#text.stopped) return events;
    // It looks for stop texts at the end of a token only, and goes on over this one.
    return [...events, ...this.#finish("stop"), { type: "done", early: true }];
  }

  /** The first piece has the name; an end-of-sequence token without a text would be taken for a second call. */
  #takeCall({ name, arguments: piece }: Json): void {
    if (typeof name === "string") this.#call ??= { name, arguments: "" };
    if (this.#call && typeof piece === "string") this.#call.arguments += piece;
  }

  #finish(reason: FinishReason): EngineEvent[] {
    this.#finished = true;
    if (this.#call) return this.#called(this.#call, reason);
    // The limit or the end of the text is not what ended it where a stop text did.
    const ended = this.#text.stopped ? "stop" : reason;
    return [...this.#text.end(), { type: "finish", index: 0, reason: ended }];
  }

  /** The end mark has come. A call ends without a finish reason there, unless the limit of tokens cut it. */
  #end(): EngineEvent[] {
    if (this.#finished) return [];
    if (this.#call) return this.#finish("stop");
    const limit = this.#body.max_completion_tokens ?? this.#body.max_tokens;
    // Until the name of a tool is known it says nothing: the limit came first.
    if (!this.#spoke && this.#body.tools?.length && limit != null && this.#tokens >= limit)
      return this.#finish("length");
    return this.#text.end();
  }

  /** A call is shown when it is whole: its pieces can lack what only the whole of it tells. */
  #called(call: { name: string; arguments: string }, reason: FinishReason): EngineEvent[] {
    // Where name and comma are two tokens, the comma is among the arguments.
    const args = call.arguments.replace(/^\{\s*,/, "{");
    if (reason !== "length" && !this.#isWhole(call.name, args))
      return [{ type: "error", fault: broken("its stream lost a part of the tool call's arguments") }];
    // Its own ids begin anew with every answer; within a conversation each turn has more messages before it.
    const id = `call_${this.#body.messages.length}_${String(this.#createdS ?? "")}`;
    return [
      {
        type: "delta",
        index: 0,
        toolCalls: [{ index: 0, id, type: "function", function: { name: call.name, arguments: args } }],
      },
      { type: "finish", index: 0, reason: reason === "length" ? "length" : "tool_calls" },
    ];
  }

  /**
   * Its state machine begins the arguments with the token at which all before it can be read as a call: of tokens that
   * are as long as `","` the first argument is swallowed. Its grammar writes what is required, so its lack shows that.
   */
  #isWhole(name: string, text: string): boolean {
    const tool = (this.#body.tools ?? []).filter(isFunctionTool).find((each) => each.function.name === name);
    const args = objectIn(text);
    const required = asList(asObject(tool?.function.parameters)?.required);
    return args !== undefined && required.every((each) => Object.hasOwn(args, String(each)));
  }
}
