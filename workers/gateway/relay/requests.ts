import { encodeChoices, requestsFor } from "../../../shared/chat/fan-out.ts";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { EngineCall, EngineRequest, Exchange } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import type { Endpoint } from "../fleet/fleet.ts";

/** Several choices of an engine that makes one at a time are as many requests: sent one after another, in one slot. */
export function requestsOf<Body>(
  call: EngineCall<Body>,
  exchange: Exchange<Body, unknown>,
  { adapter }: Endpoint,
): Result<readonly EngineRequest[], Failure> {
  // Only chats and completions have an `n`.
  const body = call.body as ChatRequest;
  if ((body.n ?? 1) > 1 && requestsFor(adapter.abilities, body) > 1)
    return encodeChoices(
      exchange as Exchange<ChatRequest, unknown>,
      call as unknown as EngineCall<ChatRequest>,
    );
  const encoded = exchange.encode(call);
  return encoded.ok ? ok([encoded.value]) : encoded;
}
