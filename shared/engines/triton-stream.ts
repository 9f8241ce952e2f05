import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import { SseScanner } from "../streams/sse.ts";
import { StopMatcher } from "../streams/stop-text.ts";
import type { EngineEvent, StreamDecoder } from "./engine.ts";
import { readFinish } from "./openai-answer.ts";
import { broken, readObject } from "./triton-fault.ts";
import { finishToldOf, textOf, Counts } from "./triton-answer.ts";
import { limitOf, stopsOf } from "./triton-request.ts";
import { FreshText } from "./triton-text.ts";

type Json = Record<string, unknown>;

/**
 * Decodes `generate_stream`: an object an event, and no mark at the end. A model of the LLM API says in its last event
 * why it stopped, and a stream without that was cut; of a classic model the end of the body is all that there is.
 */
export function tritonDecoder(request: ChatRequest | CompletionRequest): StreamDecoder {
  // A chat never gets as far as this.
  const body = request as CompletionRequest;
  const scanner = new SseScanner();
  const stops = new StopMatcher(stopsOf(body));
  const counts = new Counts();
  let fresh: FreshText | undefined;
  let tellsFinish = false;
  let over = false;

  const show = (pieces: readonly string[]): EngineEvent[] =>
    pieces
      .map((piece) => stops.push(piece))
      .filter((shown) => shown !== "")
      .map((content) => ({ type: "delta", index: 0, content }));

  const fail = (message: string): EngineEvent[] => {
    over = true;
    return [{ type: "error", fault: broken(message) }];
  };

  /** The end, for the reason that the engine told, or that its counts tell. */
  function finish(told: unknown): EngineEvent[] {
    const rest = show(fresh?.end() ?? []);
    const last = stops.found === undefined ? stops.end() : "";
    const reason = stops.found === undefined ? readFinish(told) : "stop";
    if (!reason) return [...rest, ...fail(`it gave up (finish_reason ${JSON.stringify(told)})`)];
    over = true;
    const usage = counts.usage();
    return [
      ...rest,
      ...(last === "" ? [] : [{ type: "delta" as const, index: 0, content: last }]),
      { type: "finish", index: 0, reason },
      ...(usage ? [{ type: "usage" as const, usage }] : []),
      { type: "done" },
    ];
  }

  /** Our own end at a stop text, while the engine may go on. */
  function stop(): EngineEvent[] {
    over = true;
    const usage = counts.usage();
    return [
      { type: "finish", index: 0, reason: "stop" },
      ...(usage ? [{ type: "usage" as const, usage }] : []),
      { type: "done", early: true },
    ];
  }

  function take(object: Json): EngineEvent[] {
    const text = textOf(object);
    if (text === undefined) return fail("an event of it has no text_output");
    counts.add(object);
    tellsFinish ||= "finish_reason" in object;
    fresh ??= freshText(object);
    const pieces = fresh.push(text);
    if (!pieces) return fail("it took back text that it had sent");
    const shown = show(pieces);
    const told = finishToldOf(object);
    if (stops.found !== undefined) return [...shown, ...(told === undefined ? stop() : finish(told))];
    return told === undefined ? shown : [...shown, ...finish(told)];
  }

  function read(data: string): EngineEvent[] {
    if (over) return [];
    let json: unknown;
    try {
      json = JSON.parse(data);
    } catch {
      return fail("it sent an event that is not JSON");
    }
    const said = readObject(json);
    if ("object" in said) return take(said.object);
    over = true;
    return [{ type: "error", fault: said.fault }];
  }

  const readAll = (events: ReturnType<SseScanner["push"]>) =>
    events.flatMap(({ data }) => (data === undefined ? [] : read(data)));

  return {
    push: (bytes) => readAll(scanner.push(bytes)),
    end() {
      const events = readAll(scanner.end());
      if (over || tellsFinish || !fresh) return events;
      return [...events, ...finish(counts.tokens >= limitOf(body) ? "length" : "stop")];
    },
  };
}

/** An ensemble sends new text alone; of the others, what each has been known to send without telling. */
function freshText(object: Json): FreshText {
  const ensemble = String(object.model_name ?? "").endsWith("ensemble");
  return new FreshText(ensemble ? "new" : undefined, "finish_reason" in object ? "all" : "new");
}
