import { describe, expect, it } from "vitest";
import { NativeFollower } from "../../../shared/chat/relay.ts";
import { openaiRules } from "../../../shared/engines/openai-dialect.ts";
import { vllm } from "../../../shared/engines/vllm.ts";
import type { Endpoint } from "../fleet/fleet.ts";
import { openStream } from "./open-stream.ts";

describe("openStream", () => {
  it("asks no engine for a client that has left already", async () => {
    let reached = false;
    const opened = await openStream({
      endpoint: { adapter: vllm, baseUrl: "http://engine", headers: {}, config: {} } as unknown as Endpoint,
      requests: [{ path: "/v1/chat/completions", body: "{}" }],
      requestId: "req_1",
      translated: false,
      stage: new NativeFollower(openaiRules),
      timeouts: { firstByteMs: 60_000, idleMs: 60_000, totalMs: 60_000 },
      leftMs: 60_000,
      defer: () => undefined,
      tick: () => undefined,
      clientGone: AbortSignal.abort(),
      // As fetch does: a signal that has fired ends it before it begins.
      fetch: async (_, init) => {
        init?.signal?.throwIfAborted();
        reached = true;
        return new Response("");
      },
    });
    expect(opened.ok).toBe(false);
    expect(reached).toBe(false);
  });
});
