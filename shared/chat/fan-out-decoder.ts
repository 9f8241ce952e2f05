import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { EngineEvent, StreamDecoder, StreamFormat } from "../engines/engine.ts";
import { openaiDecoder } from "../engines/openai-stream.ts";
import { PieceScanner } from "../streams/chain-streams.ts";
import { ChoiceMerger } from "./choice-merger.ts";

/** A decoder of an engine's stream, also of one that is passed on as it is where it is the only one. */
function decoderOf(format: StreamFormat, body: ChatRequest | CompletionRequest): StreamDecoder {
  if (format.format === "translated") return format.decoder(body);
  const { judge } = format.rules;
  const decoder = openaiDecoder();
  const judged = (events: EngineEvent[]): EngineEvent[] =>
    judge
      ? events.map((event) => (event.type === "error" ? { ...event, fault: judge(event.fault) } : event))
      : events;
  return { push: (bytes) => judged(decoder.push(bytes)), end: () => judged(decoder.end()) };
}

/**
 * Decodes the streams of all choices, chained by `chainStreams`, into the events of one answer. `bodies` are the
 * requests of one choice each, in their order; `prompts` is how many prompts each has, 1 for a chat.
 */
export function fanOutDecoder(
  format: StreamFormat,
  bodies: readonly (ChatRequest | CompletionRequest)[],
  prompts = 1,
): StreamDecoder {
  const scanner = new PieceScanner();
  const merger = new ChoiceMerger(bodies.length, prompts);
  const decoders = bodies.map((body) => decoderOf(format, body));
  return {
    push: (merged) =>
      scanner.push(merged).flatMap(({ at, bytes }) => {
        const decoder = decoders[at];
        if (!decoder) return [];
        if (bytes) return merger.take(at, decoder.push(bytes));
        return [...merger.take(at, decoder.end()), ...merger.end(at)];
      }),
    // The last piece of all is the end of a stream, so what is over without it was cut.
    end: () => decoders.flatMap((_, at) => merger.end(at)),
  };
}
