import type { ChatRequest } from "../contracts/chat.ts";
import type { CompletionRequest } from "../contracts/completions.ts";
import type { StreamDecoder, StreamFormat } from "../engines/engine.ts";
import { decoderOf } from "../engines/openai-stream.ts";
import { PieceScanner } from "../streams/chain-streams.ts";
import { ChoiceMerger } from "./choice-merger.ts";

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
