import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { chat, errorOf, get, post, readStream } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

// Limits, and what lies just beyond them.

const CHAT = "/v1/chat/completions";

const proof = proofForFile([
  { kind: "ollama" },
  { kind: "vllm" },
  { kind: "openai" },
  { kind: "openai", id: "openai-native", config: { relay: "native" } },
  { kind: "openai", id: "hasty", config: { totalTimeoutMs: 500, firstByteTimeoutMs: 5_000 } },
  { kind: "vllm", id: "locked", sim: { apiKey: "a key that we were not given" } },
]);

const stream = (id: string, content: string, headers: Record<string, string> = {}) =>
  post(proof(), CHAT, chat(modelOf(id), content, { stream: true }), { headers });

describe("an event that is larger than an event may be", () => {
  it.each(["ollama", "vllm", "openai"])("ends a stream of %s in an error that says so", async (id) => {
    const response = await stream(id, "[sim tokens=4 huge=17000000]");
    const heard = await readStream(response);
    expect(heard).toMatchObject({
      done: false,
      error: { code: "engine_failed", message: expect.stringContaining("too large") },
    });
    expect(await proof().lineOf(response)).toMatchObject({ outcome: "engine_failed" });
  });

  // Its bytes are on their way before anybody has read them: what follows them must not look like an end.
  it("ends a stream that is relayed natively, too", async () => {
    const response = await fetch(proof().url + CHAT, {
      method: "POST",
      body: JSON.stringify(
        chat(modelOf("openai-native"), "[sim tokens=400 huge=17000000]", { stream: true }),
      ),
      headers: { "content-type": "application/json", authorization: `Bearer ${proof().key}` },
    });
    const text = await response.text();
    expect(text.slice(-2_000)).toContain("too large");
    expect(text.slice(-2_000)).not.toContain("[DONE]");
    expect(await proof().lineOf(response)).toMatchObject({ outcome: "engine_failed" });
  });
});

describe("the time of a whole answer", () => {
  it("counts while a stream opens", async () => {
    const response = await stream("hasty", "[sim hang=headers]", { "x-eco-keep-alive": "off" });
    expect(response.status).toBe(504);
    expect((await errorOf(response)).message).toContain("answer within 0.5 s");
  });
});

describe("a client that leaves while it sends its request", () => {
  it.each(["content-length: 4000", "transfer-encoding: chunked"])(
    "is no fault of ours (%s)",
    async (length) => {
      const { hostname, port } = new URL(proof().url);
      const socket = connect(Number(port), hostname);
      const before = proof().lines.length;
      socket.write(
        `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${proof().key}\r\n` +
          `content-type: application/json\r\n${length}\r\n\r\n20\r\n{"model":"x","messages":`,
      );
      await new Promise((resolve) => socket.once("connect", resolve));
      // The Worker is reading the body when a request that came later has been answered.
      await get(proof(), "/health");
      socket.resetAndDestroy();
      const line = await proof().waitForLine(
        (each) => proof().lines.indexOf(each) >= before && each.path === CHAT,
      );
      expect(line).toMatchObject({ status: 499, error: "client_gone" });
    },
  );
});

describe("an engine that does not take our key", () => {
  it("is away, and is not said to lack its models", async () => {
    const response = await post(proof(), CHAT, chat(modelOf("locked"), "Hello"));
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("engines_unavailable");
  });
});

describe("an address that is nearly one of ours", () => {
  it("is a 404", async () => {
    expect((await get(proof(), "/openapiXjson")).status).toBe(404);
  });
});
