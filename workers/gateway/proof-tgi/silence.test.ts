import { describe, expect, it } from "vitest";
import { type SimulatedKind, predictChat } from "../../../engines-infra/simulator/index.ts";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { KINDS, ONE_OF_EACH, generationsOf, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";

/** Times so short that waiting for them is quick, and so far apart that which one ended a request is clear. */
const proof = proofForFile(
  [
    ...ONE_OF_EACH,
    { kind: "vllm", id: "patient", config: { firstByteTimeoutMs: 5_000, idleTimeoutMs: 5_000 } },
  ],
  { KEEP_ALIVE_MS: "100", FIRST_BYTE_TIMEOUT_MS: "700", IDLE_TIMEOUT_MS: "500", TOTAL_TIMEOUT_MS: "2000" },
);

const stream = (id: string, content: string, headers: Record<string, string> = {}) =>
  post(proof(), CHAT, chat(modelOf(id), content, { stream: true, stream_options: { include_usage: true } }), {
    headers,
  });
const quiet = { "x-eco-keep-alive": "off" };
/** The last generation of an engine was stopped because nobody waited for it any longer. */
const stopped = (id: string) =>
  proof()
    .sim(id)
    .waitFor(({ requests }) => generationsOf(requests).at(-1)?.state === "aborted");
const textOf = (content: string) => predictChat({ messages: [{ role: "user", content }] }).text;

/** Silence takes its time, so all kinds are silent at once. */
async function expectOfEachKind(test: (kind: SimulatedKind) => Promise<void>): Promise<void> {
  const failed = await Promise.all(
    KINDS.map((kind) =>
      test(kind).then(
        () => [],
        (cause: unknown) => [`${kind}: ${String(cause)}`],
      ),
    ),
  );
  expect(failed.flat()).toEqual([]);
}

describe("a silent engine, of every kind,", () => {
  it("is waited for with comments, and then answers as ever", () =>
    expectOfEachKind(async (kind) => {
      const content = "Take your time [sim first=300]";
      const heard = await readStream(await stream(kind, content));
      expect(heard).toMatchObject({ text: textOf(content), done: true });
      expect(heard.comments).toBeGreaterThanOrEqual(1);
    }));

  it("is waited for without comments where the client wants none", () =>
    expectOfEachKind(async (kind) => {
      const content = "Take your time [sim first=250]";
      const heard = await readStream(await stream(kind, content, quiet));
      expect(heard).toMatchObject({ text: textOf(content), done: true, comments: 0 });
    }));

  it("is a 504 where nothing has been sent, and its generation is stopped", () =>
    expectOfEachKind(async (kind) => {
      const response = await stream(kind, "[sim first=3000]", quiet);
      expect(response.status).toBe(504);
      expect(await errorOf(response)).toMatchObject({
        code: "engine_timeout",
        message: expect.stringContaining("first byte within 0.7 s"),
      });
      await stopped(kind);
    }));

  it("is an error in the stream where comments have been sent, and its generation is stopped", () =>
    expectOfEachKind(async (kind) => {
      const response = await stream(kind, "[sim first=3000]");
      expect(response.status).toBe(200);
      const heard = await readStream(response);
      expect(heard).toMatchObject({ done: false, error: { code: "engine_timeout" } });
      expect(await proof().lineOf(response)).toMatchObject({ outcome: "timeout", error: "engine_timeout" });
      await stopped(kind);
    }));

  it("ends in an error where it goes silent in mid-stream", () =>
    expectOfEachKind(async (kind) => {
      const response = await stream(kind, "[sim hang=4 tokens=20]");
      const heard = await readStream(response);
      expect(heard).toMatchObject({
        done: false,
        error: { code: "engine_timeout", message: expect.stringContaining("next chunk") },
      });
      expect(heard.text).not.toBe("");
      expect(await proof().lineOf(response)).toMatchObject({ outcome: "timeout" });
      await stopped(kind);
    }));

  it("ends in an error where it talks without end", () =>
    expectOfEachKind(async (kind) => {
      const heard = await readStream(await stream(kind, "[sim gap=50 tokens=200]"));
      expect(heard).toMatchObject({
        done: false,
        error: { code: "engine_timeout", message: expect.stringContaining("answer within 2 s") },
      });
      await stopped(kind);
    }));

  it("is a 504 for an answer that is not streamed", () =>
    expectOfEachKind(async (kind) => {
      const response = await post(proof(), CHAT, chat(modelOf(kind), "[sim first=4000]"));
      expect(response.status).toBe(504);
      expect((await errorOf(response)).code).toBe("engine_timeout");
      await stopped(kind);
    }));

  it("that tells of an error after a while tells it in the stream", () =>
    expectOfEachKind(async (kind) => {
      const heard = await readStream(await stream(kind, "[sim headers=250 status=500]"));
      expect(heard).toMatchObject({ done: false, error: { code: "engine_failed" } });
      expect(heard.comments).toBeGreaterThanOrEqual(1);
    }));
});

describe("an engine with times of its own", () => {
  it("is given them", async () => {
    const content = "Slowly [sim first=1000 tokens=3]";
    expect(await readStream(await stream("patient", content))).toMatchObject({
      text: textOf(content),
      done: true,
    });
  });
});
