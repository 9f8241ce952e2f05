import { Assembly } from "../../../shared/chat/assemble.ts";
import { ChoiceMerger } from "../../../shared/chat/choice-merger.ts";
import { splitChoices } from "../../../shared/chat/fan-out.ts";
import type { ChatCompletion, ChatRequest } from "../../../shared/contracts/chat.ts";
import type { Completion, CompletionRequest } from "../../../shared/contracts/completions.ts";
import type { EngineRequest, StreamFormat } from "../../../shared/engines/engine.ts";
import { countPrompts } from "../../../shared/engines/openai-dialect.ts";
import { type Result, err } from "../../../shared/kernel/result.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { type AttemptFault, lostConnection, send } from "./attempt.ts";
import { promptTokensOf } from "./prompt-tokens.ts";

/** A request whose answer is put together here. */
export type Assembling = {
  readonly engine: Endpoint;
  readonly body: ChatRequest | CompletionRequest;
  readonly runId: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
};

/** Reads streams, one for each of the requests in turn, and makes one whole answer of them. */
export async function readAssembled(
  { engine, body, runId, nowMs, signal, fetch }: Assembling,
  requests: readonly EngineRequest[],
  format: Extract<StreamFormat, { format: "translated" }>,
): Promise<Result<ChatCompletion | Completion, AttemptFault>> {
  const isChat = "messages" in body;
  const frame = {
    id: `${isChat ? "chatcmpl" : "cmpl"}-${runId}`,
    model: body.model,
    createdS: Math.floor(nowMs / 1000),
  };
  const assembly = new Assembly(frame, (body.n ?? 1) * countPrompts(body), () => promptTokensOf(body));
  const merger = new ChoiceMerger(requests.length, countPrompts(body));
  const bodies = requests.length > 1 ? splitChoices(body) : [body];
  for (const [at, request] of requests.entries()) {
    const sent = await send(engine, request, signal, fetch);
    if (!sent.ok) return sent;
    const decoder = format.decoder(bodies[at] ?? body);
    const reader = sent.value.body?.getReader();
    for (;;) {
      const next = await reader?.read().catch(() => undefined);
      if (!next) return err(lostConnection());
      const events = next.done ? decoder.end() : decoder.push(next.value);
      assembly.add(merger.take(at, events));
      if (next.done) assembly.add(merger.end(at));
      // What goes on after the end that we saw goes on for nobody.
      if (next.done || assembly.tally.fault || events.some(({ type }) => type === "done")) break;
    }
    await reader?.cancel().catch(() => undefined);
    if (assembly.tally.fault) break;
  }
  return isChat ? assembly.chat() : assembly.completion(body as CompletionRequest);
}
