import type { NativeFollower, Relay } from "../../../shared/chat/relay.ts";
import { EventTooLarge } from "../../../shared/streams/sse.ts";

/**
 * Hands a stage the next bytes of the engine's, or undefined for their end, and gives what it says. A stage that cannot
 * go on has a fault in its tally from then on, as it has for what an engine says of itself.
 */
export function feed(
  stage: NativeFollower | Relay,
  bytes: Uint8Array | undefined,
): string | Uint8Array | undefined {
  try {
    return (bytes === undefined ? stage.end() : stage.push(bytes)) as string | Uint8Array | undefined;
  } catch (error) {
    if (!(error instanceof EventTooLarge)) throw error;
    stage.tally.fault ??= { class: "failure", status: 502, message: "it sent an event that is too large" };
    return "";
  }
}
