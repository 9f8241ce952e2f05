import type { EngineEvent, EngineFault, StreamDecoder } from "../engines/engine.ts";
import type { ChunkWriter } from "./chunk-writer.ts";
import type { Repair } from "./cut-event.ts";
import { type Relay, type RelayOptions, translatedRelay } from "./relay.ts";

/** What the client had before the engine was lost. */
export type Before = {
  /** Tokens of it, which this engine reads as part of its prompt. */
  readonly tokens: number;
  /** What is left to do for an event that was cut; absent between two events. */
  readonly repair?: Repair;
};

/** A relay that goes on behind another. */
export type ContinuedRelay = Relay & {
  /** Whether the event that was cut is complete by now. Until then nothing but its rest may be written. */
  isMended(): boolean;
};

const utf8 = new TextEncoder();

const UNMENDABLE: EngineFault = {
  class: "failure",
  status: 502,
  message: "it does not go on with the character that was being sent when its predecessor was lost",
};

/**
 * Writes an engine's stream behind what another engine had written, so that both read as one answer. The usage is that
 * of both: what was written before is no part of the caller's prompt.
 */
export function continuedRelay(
  decoder: StreamDecoder,
  writer: ChunkWriter,
  options: RelayOptions,
  { tokens, repair }: Before,
): ContinuedRelay {
  let cut = repair?.wantsNext ? repair : undefined;
  let mended: Uint8Array | undefined;
  /** The character that was completed: it is in no event of this relay's own. */
  let completedText = "";
  const withBefore = (event: EngineEvent): EngineEvent => {
    if (event.type === "usage" && tokens > 0) {
      const { prompt_tokens, completion_tokens, total_tokens } = event.usage;
      const prompt = Math.max(0, prompt_tokens - tokens);
      const usage = {
        prompt_tokens: prompt,
        completion_tokens: completion_tokens + tokens,
        total_tokens: Math.max(total_tokens, prompt + completion_tokens + tokens),
        // What the lost engine wrote was counted by us.
        estimated: true as const,
      };
      return { type: "usage", usage };
    }
    if (!cut || event.type === "usage" || event.type === "done" || event.type === "error") return event;
    const text = event.type === "delta" ? (event.content ?? "") : "";
    const completed = cut.finish(text);
    if (event.type !== "delta" || !completed) return { type: "error", fault: UNMENDABLE };
    cut = undefined;
    mended = completed.bytes;
    completedText = text.slice(0, completed.used);
    return { ...event, content: text.slice(completed.used) };
  };
  const mapped: StreamDecoder = {
    push: (bytes) => decoder.push(bytes).map(withBefore),
    end: () => decoder.end().map(withBefore),
  };
  const relay = translatedRelay(mapped, writer, options);
  relay.tally.pieces = tokens;
  return {
    ...relay,
    isMended: () => !cut,
    written() {
      const written = relay.written();
      return { ...written, text: completedText + written.text };
    },
    push(bytes) {
      const out = relay.push(bytes);
      if (!mended || typeof out !== "string") return out;
      const rest = utf8.encode(out);
      const both = new Uint8Array(mended.length + rest.length);
      both.set(mended);
      both.set(rest, mended.length);
      mended = undefined;
      return both;
    },
  };
}
