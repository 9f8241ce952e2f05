import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineModel } from "../../../shared/engines/engine.ts";
import type { Address } from "./endpoint.ts";
import { timed } from "./timed.ts";

/** How an engine stood the test of one real request. */
export type Trial = "served" | "failed";

/** Whether an engine whose circuit is open serves again: it is asked for one token. Its health alone may look well. */
export async function tryEngine(
  { adapter, baseUrl, headers }: Address,
  { id }: EngineConfig,
  model: EngineModel | undefined,
  requestId: string,
  timeoutMs: number,
  fetch: typeof globalThis.fetch,
): Promise<Trial> {
  // Nothing to ask for: then it is as well as it says.
  if (!model) return "served";
  const body = {
    model: model.names[0] ?? "",
    messages: [{ role: "user" as const, content: "Hello" }],
    max_tokens: 1,
  };
  const call = { body, text: JSON.stringify(body), engine: id, model, requestId };
  const encoded = adapter.chat.encode(call);
  if (!encoded.ok) return "served";
  const { path, headers: own, body: text } = encoded.value;
  try {
    const { status, said } = await timed(timeoutMs, async (signal) => {
      const answer = await fetch(baseUrl + path, {
        method: "POST",
        headers: { ...headers, ...own },
        body: text,
        redirect: "manual",
        signal,
      });
      return { status: answer.status, said: await answer.text() };
    });
    if (status >= 200 && status < 300) return "served";
    // A model that only embeds refuses to chat, and a busy engine is there: both answer as they should.
    const { class: kind } = adapter.classify(status, said, undefined);
    return kind === "client_fault" || kind === "overload" ? "served" : "failed";
  } catch {
    return "failed";
  }
}
