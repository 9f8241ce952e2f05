import type { EngineRequest } from "../../../shared/engines/engine.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import { chainStreams } from "../../../shared/streams/chain-streams.ts";
import type { AttemptFault } from "./attempt.ts";

/** The answers to several requests, each sent when the one before has been read: a slot is one request at a time. */
export function chained(
  first: Response,
  later: readonly EngineRequest[],
  open: (request: EngineRequest) => Promise<Result<Response, AttemptFault>>,
): ReadableStream<Uint8Array> {
  const bodyOf = async (request: EngineRequest): Promise<ReadableStream<Uint8Array>> => {
    const sent = await open(request);
    if (!sent.ok) throw new Error(sent.error.message);
    return sent.value.body ?? new Response("").body ?? new ReadableStream();
  };
  return chainStreams([
    () => Promise.resolve(first.body ?? new Response("").body ?? new ReadableStream()),
    ...later.map((request) => () => bodyOf(request)),
  ]);
}
