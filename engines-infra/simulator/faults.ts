import type { Directives, Position } from "./directives.ts";
import type { Stream, Whole } from "./kinds/reply.ts";

/** One thing to do on the socket, in order. `tokens` are produced, and paced, before the bytes go out. */
export type Act =
  | { do: "write"; bytes: Buffer; tokens: number }
  | { do: "produce"; tokens: number }
  | { do: "answer"; reply: Whole; bytes: Buffer }
  /** Says nothing more, socket open. */
  | { do: "hang" }
  /** Resets the connection. */
  | { do: "reset" }
  /** Closes the connection, whatever the headers promised. */
  | { do: "close" }
  /** Ends the body properly. `faulted` where something was left out. */
  | { do: "end"; faulted: boolean };

/** The events of a stream with the faults that the directives ask for. */
export function* streamActs(stream: Stream, directives: Directives, mayUseCrlf: boolean): Generator<Act> {
  const encode = (wire: string) =>
    Buffer.from(directives.crlf && mayUseCrlf ? wire.replaceAll("\n", "\r\n") : wire);
  let events = 0;
  let tokens = 0;
  const reached = (at: Position | undefined) =>
    at !== undefined && at.count <= (at.unit === "events" ? events : tokens);
  if (directives.onlyDone) {
    yield { do: "write", bytes: encode(stream.end), tokens: 0 };
    return yield { do: "end", faulted: true };
  }
  for (const event of withEnd(stream)) {
    if (event.part === "finish" && directives.noFinish) continue;
    if (event.wire === "") {
      tokens += event.tokens;
      yield { do: "produce", tokens: event.tokens };
      continue;
    }
    const fault = faultNow(directives, reached);
    if (fault === "error") {
      for (const wire of stream.trouble) yield { do: "write", bytes: encode(wire), tokens: 0 };
      return yield stream.closesInTrouble ? { do: "close" } : { do: "end", faulted: true };
    }
    if (fault) return yield fault;
    events++;
    tokens += event.tokens;
    let bytes: Buffer = encode(event.wire);
    if (directives.badUtf8 === events) bytes = truncatedUtf8(bytes);
    if (directives.cutIn === events) {
      yield { do: "write", bytes: bytes.subarray(0, Math.ceil(bytes.length / 2)), tokens: event.tokens };
      return yield { do: "reset" };
    }
    yield { do: "write", bytes, tokens: event.tokens };
  }
  const fault = faultNow(directives, reached);
  // Nothing of the engine's own can follow a complete stream, so an error that comes so late is not said.
  yield fault && fault !== "error" ? fault : { do: "end", faulted: directives.noFinish ?? false };
}

/**
 * A whole body with its faults. Nothing is on the wire while the model works, so events and tokens are the same thing:
 * the fault comes after so many tokens, and `fin` and `cutin` cut the body itself in half.
 */
export function* wholeActs(reply: Whole, directives: Directives, failure: () => Whole): Generator<Act> {
  let tokens = 0;
  const reached = (at: Position | undefined) => at !== undefined && at.count <= tokens;
  const answer = (from: Whole): Act => ({ do: "answer", reply: from, bytes: Buffer.from(from.body) });
  for (;;) {
    const fault = faultNow(directives, reached);
    if (fault === "error") {
      yield answer(failure());
      return yield { do: "end", faulted: true };
    }
    if (fault && fault.do !== "end") return yield fault;
    if (fault || tokens >= reply.tokens) break;
    tokens++;
    yield { do: "produce", tokens: 1 };
  }
  const bytes = Buffer.from(reply.body);
  const half = bytes.subarray(0, Math.ceil(bytes.length / 2));
  if (reached(directives.fin)) {
    yield { do: "answer", reply, bytes: half };
    return yield { do: "close" };
  }
  if (directives.cutIn !== undefined) {
    yield { do: "answer", reply, bytes: half };
    return yield { do: "reset" };
  }
  yield directives.badUtf8 === undefined
    ? answer(reply)
    : { do: "answer", reply, bytes: truncatedUtf8(bytes) };
  yield { do: "end", faulted: false };
}

function* withEnd(stream: Stream) {
  yield* stream.events;
  if (stream.end !== "") yield { part: "end", wire: stream.end, tokens: 0 } as const;
}

function faultNow(
  { die, hang, fin, error }: Directives,
  reached: (at: Position | undefined) => boolean,
): Act | "error" | undefined {
  if (reached(die)) return { do: "reset" };
  if (hang !== "headers" && reached(hang)) return { do: "hang" };
  if (reached(fin)) return { do: "end", faulted: true };
  return reached(error) ? "error" : undefined;
}

const TEXT_FIELD =
  /"(?:content|text|response|reasoning|reasoning_content|thinking|arguments|message)": ?(?! ?null)"?/;
const TRUNCATED = Buffer.from([0xf0, 0x9f, 0x9a]);

/** The bytes with the first three of a four-byte character put where the text begins. */
function truncatedUtf8(bytes: Buffer): Buffer {
  const latin = bytes.toString("latin1");
  const match = TEXT_FIELD.exec(latin);
  const at = match ? match.index + match[0].length : Math.max(0, latin.trimEnd().length - 1);
  return Buffer.concat([bytes.subarray(0, at), TRUNCATED, bytes.subarray(at)]);
}
