import { chatChunkWriter, completionChunkWriter } from "../../../shared/chat/chunk-writer.ts";
import { type ContinuedRelay, continuedRelay } from "../../../shared/chat/continued-relay.ts";
import { type Repair, repairCut } from "../../../shared/chat/cut-event.ts";
import { NativeFollower, type RelayOptions } from "../../../shared/chat/relay.ts";
import { type WrittenAnswer, whyNotContinued } from "../../../shared/chat/written.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import type {
  EngineCall,
  EngineRequest,
  StreamFormat,
  StreamedExchange,
  Written,
} from "../../../shared/engines/engine.ts";
import { decoderOf } from "../../../shared/engines/openai-stream.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import type { Relayed } from "./drive.ts";
import type { Stage } from "./open-stream.ts";

type Body = ChatRequest | CompletionRequest;

/**
 * Where one engine's part of an answer ends and another's may begin: what the client has, and what is to be written to
 * it first.
 */
export type Seam = {
  readonly answer: WrittenAnswer;
  /** What the client has of an event that was cut. */
  readonly cut: string;
  /** What there is to do for an event that was cut; absent between two events. */
  readonly repair?: Repair;
  /** Makes the stage that writes the next engine's part. */
  stage(format: StreamFormat): ContinuedRelay;
  /** The request for the next engine: the caller's own while nothing of the text has been sent. */
  encode<B extends Body>(
    call: EngineCall<B>,
    exchange: StreamedExchange<B, unknown>,
    engine: Endpoint,
  ): Result<readonly EngineRequest[], Failure>;
};

type Broken = Extract<Relayed, { outcome: "broken" }>;

/** Finds out whether and how another engine may go on with an answer that broke off; else why not, for the log. */
export function seamOf(
  body: Body,
  stage: Stage,
  { sent, told }: Broken,
  options: RelayOptions,
  before: Seam | undefined,
): Result<Seam, string> {
  const { tally } = stage;
  if (told) return err("the client was told of the error");
  // What was held back of an event-by-event relay can be said anew; what a client has seen of a finish cannot.
  if (stage instanceof NativeFollower && tally.finished.size > 0) return err("its finish had been sent");
  const answer = before ? joined(before.answer, stage.written()) : stage.written();
  const why = whyNotContinued(body, answer);
  if (why !== undefined) return err(why);
  const cut = sent === "" ? undefined : repairOf(sent, stage, answer);
  if (cut && !cut.ok) return cut;
  return ok(seam(body, answer, sent, cut?.value, options));
}

/** What two engines have written, one after the other. */
const joined = (a: WrittenAnswer, b: WrittenAnswer): WrittenAnswer => ({
  frame: a.frame ?? b.frame,
  begun: [...new Set([...a.begun, ...b.begun])],
  text: a.text + b.text,
  tokens: a.tokens + b.tokens,
  beyondText: a.beyondText ?? b.beyondText,
  patterns: [...b.patterns, ...a.patterns],
});

function repairOf(sent: string, stage: Stage, { patterns }: WrittenAnswer): Result<Repair, string> {
  const pending = stage instanceof NativeFollower ? stage.pending : new Uint8Array();
  const repair = repairCut(sent, pending, patterns);
  return repair ? ok(repair) : err("an event was cut that cannot be completed");
}

function seam(
  body: Body,
  whole: WrittenAnswer,
  cut: string,
  repair: Repair | undefined,
  options: RelayOptions,
): Seam {
  const answer = {
    ...whole,
    text: whole.text + (repair?.text ?? ""),
    tokens: whole.tokens + (repair && repair.text !== "" ? 1 : 0),
  };
  const written: Written = { text: answer.text, tokens: answer.tokens };
  const frame = answer.frame ?? { id: "", model: body.model, createdS: 0 };
  const writer = () =>
    "messages" in body ? chatChunkWriter(frame, answer.begun) : completionChunkWriter(frame);
  return {
    answer,
    cut,
    ...(repair && { repair }),
    stage: (format) =>
      continuedRelay(decoderOf(format, body), writer(), options, {
        tokens: written.tokens,
        ...(repair && { repair }),
      }),
    encode(call, exchange, { config }) {
      const may = config.continues ?? !exchange.continuesIfTold;
      const resume = may ? exchange.continue : undefined;
      const encoded = written.text === "" ? exchange.encode(call) : resume?.(call, written);
      if (encoded) return encoded.ok ? ok([encoded.value]) : encoded;
      return err({
        kind: "unsupported",
        param: "stream",
        engine: call.engine,
        message: `Engine \`${call.engine}\` cannot go on with a text.`,
      });
    },
  };
}
