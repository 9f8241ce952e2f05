import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { chat, errorOf, get, post, readStream } from "./asking.ts";
import {
  type EngineSpec,
  KINDS,
  STEADY,
  generationsOf,
  modelOf,
  proofForFile,
  startProof,
} from "./harness.ts";

const CHAT = "/v1/chat/completions";
const CONTEXT_TOKENS = 200;

/** Each kind with a small context, and a model that two engines serve. */
const shared = { models: ["shared-model"] };
const ENGINES: readonly EngineSpec[] = [
  ...KINDS.map((kind) => ({ kind, sim: { contextTokens: CONTEXT_TOKENS, lacks: [] } })),
  { kind: "vllm", id: "first", sim: shared },
  { kind: "openai", id: "second", sim: shared },
];

const proof = proofForFile(ENGINES);
const ask = (id: string, content: string, more: Record<string, unknown> = {}) =>
  post(proof(), CHAT, chat(modelOf(id), content, more));
const textOf = (content: string) => predictChat({ messages: [{ role: "user", content }] }).text;

describe.each(KINDS)("%s", (kind) => {
  // Ollama's simulator answers a chat of any length; Ollama's own words are held in the adapter's tests.
  it.skipIf(kind === "ollama").each([false, true])(
    "says in OpenAI's words that a prompt does not fit its context (stream: %s)",
    async (stream) => {
      const response = await ask(kind, "word ".repeat(CONTEXT_TOKENS * 3), { stream });
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        code: "context_length_exceeded",
        param: "messages",
        type: "invalid_request_error",
      });
    },
  );

  it.skipIf(kind === "ollama")("names the prompt where it is a completion's that does not fit", async () => {
    const response = await post(proof(), "/v1/completions", {
      model: modelOf(kind),
      prompt: "word ".repeat(CONTEXT_TOKENS * 3),
    });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "context_length_exceeded", param: "prompt" });
  });

  // They queue without a word: how long that may take is the business of the timeouts.
  it.skipIf(["llama-cpp", "lmdeploy", "tensorrt-llm"].includes(kind)).each([false, true])(
    "is asked to be tried later where it is overloaded (stream: %s)",
    async (stream) => {
      const response = await ask(kind, "[sim overload]", { stream });
      expect(response.status).toBe(429);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(await errorOf(response)).toMatchObject({ code: "engines_overloaded", type: "rate_limit_error" });
    },
  );

  it.each([
    [400, 400],
    [422, 422],
    [500, 502],
  ])("says %d: the client hears %d, in our shape", async (status, heard) => {
    for (const stream of [false, true]) {
      const response = await ask(kind, `[sim status=${status}]`, { stream });
      expect(response.status).toBe(heard);
      const error = await errorOf(response);
      expect(error.message).not.toBe("");
      expect(error.type).toBe(heard === 502 ? "api_error" : "invalid_request_error");
    }
  });

  it("refuses our key: that is our fault, not the caller's", async () => {
    const response = await ask(kind, "[sim status=401]");
    expect(response.status).toBe(502);
    expect((await errorOf(response)).code).toBe("engine_failed");
  });

  it.each(["html", "fin=2", "die=2", "cutin=2", "error=2"])(
    "breaks its whole answer: a 502 (%s)",
    async (fault) => {
      const response = await ask(kind, `[sim tokens=6 ${fault}]`);
      expect([502, 503]).toContain(response.status);
      expect((await errorOf(response)).message).toContain(kind);
    },
  );

  // An answer that is put together of a stream has a mark where a character was cut, as a stream has.
  it.skipIf(engines[kind].chat.assembled)("cuts a character where JSON has none: a 502", async () => {
    const response = await ask(kind, "Oh [sim tokens=6 badutf8=1]");
    expect(response.status).toBe(502);
    expect((await errorOf(response)).message).toContain("not JSON");
  });

  it("comes back after it was killed", async () => {
    const sim = proof().sim(kind);
    await sim.kill();
    const away = await ask(kind, "Anybody?");
    expect(away.status).toBe(503);
    expect(Number(away.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const error = await errorOf(away);
    expect(error).toMatchObject({ code: "engines_unavailable", type: "service_unavailable_error" });
    expect(error.message).toContain(kind);
    expect(error.message).not.toContain("127.0.0.1");
    await sim.revive();
    // It was asked how it is a moment ago, and is not asked again at once.
    const back = async () => (await ask(kind, "Anybody?")).json();
    await expect
      .poll(back, { timeout: 10_000 })
      .toMatchObject({ choices: [{ message: { content: textOf("Anybody?") } }] });
  });
});

describe("an engine that is loading its model", () => {
  it.each([
    ["llama-cpp", "engines_unavailable"],
    ["vllm", "engines_unavailable"],
    ["openai", "model_loading"],
  ])("%s is a 503 with a time to come back", async (kind, code) => {
    await proof().sim(kind).configure({ loading: true });
    // What is known of it is a few seconds old, and so may be believed still.
    const response = await ask(kind, "Are you there?");
    await proof().sim(kind).configure({ loading: false });
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect([code, "model_loading"]).toContain((await errorOf(response)).code);
  });

  it("ollama is waited for", async () => {
    const response = await ask("ollama", "[sim loading=200] Are you there?", { stream: true });
    expect(await readStream(response)).toMatchObject({ done: true, text: textOf("Are you there?") });
  });
});

describe("a model that two engines serve", () => {
  const question = (content: string, more: Record<string, unknown> = {}) =>
    post(proof(), CHAT, chat("shared-model", content, more));

  const acceptedBy = (id: string) => generationsOf(proof().sim(id).seen().requests).length;

  it.each(["die=0", "status=500", "overload", "html", "error=0", "onlydone"])(
    "is asked of the second where the first says %s",
    async (fault) => {
      for (const stream of [true, false]) {
        const response = await question(`Who answers? [sim on=first ${fault}]`, { stream });
        // A whole answer has no events: nothing of it was sent, and onlydone and error=0 mean other things there.
        expect(response.status).toBe(200);
        if (stream)
          expect(await readStream(response)).toMatchObject({ done: true, text: textOf("Who answers?") });
        else
          expect(await response.json()).toMatchObject({
            choices: [{ message: { content: textOf("Who answers?") } }],
          });
      }
    },
  );

  // An engine that failed is asked last until it has told that it is well; /ready asks it.
  beforeEach(() => get(proof(), "/ready"));

  it("is not asked of the second where the first says that the caller is wrong", async () => {
    const response = await question("[sim status=400]");
    expect(response.status).toBe(400);
    expect(acceptedBy("first") + acceptedBy("second")).toBe(1);
  });

  it("is not asked of the second once anything of the answer is out, where the client wants that", async () => {
    const heard = await readStream(
      await post(proof(), CHAT, chat("shared-model", "[sim die=4]", { stream: true }), {
        headers: { "x-eco-continue": "off" },
      }),
    );
    expect(heard.error).toBeDefined();
    expect(acceptedBy("first") + acceptedBy("second")).toBe(1);
  });

  it("is listed once, with both kinds", async () => {
    const { data } = (await (await get(proof(), "/v1/models")).json()) as {
      data: { id: string; engines: string[] }[];
    };
    expect(data.filter(({ id }) => id === "shared-model")).toEqual([
      expect.objectContaining({ engines: ["vllm", "openai"] }),
    ]);
  });
});

describe("a server that sends the platform elsewhere", () => {
  const elsewhere: string[] = [];
  const bait = createServer((req, res) => {
    elsewhere.push(req.url ?? "");
    res.end("{}");
  });
  const redirecting = createServer((req, res) => {
    if (req.url === "/v1/models")
      return void res.setHeader("content-type", "application/json").end('{"data":[{"id":"moved"}]}');
    res.writeHead(307, { location: `http://127.0.0.1:${(bait.address() as AddressInfo).port}/stolen` }).end();
  });
  const listen = (server: ReturnType<typeof createServer>) =>
    new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    bait.close();
    redirecting.close();
  });

  it("is not followed", async () => {
    await Promise.all([listen(bait), listen(redirecting)]);
    const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}`;
    const own = await startProof([], {
      ENGINES: JSON.stringify([{ id: "moving", kind: "openai", baseUrl: url, ...STEADY }]),
    });
    try {
      for (const stream of [false, true]) {
        const response = await post(own, CHAT, chat("moved", "Hello", { stream }));
        expect(response.status).toBe(502);
        expect((await errorOf(response)).message).toContain("redirect");
      }
      expect(elsewhere).toEqual([]);
      expect(own.violations).toEqual([]);
    } finally {
      await own.stop();
    }
  });
});
