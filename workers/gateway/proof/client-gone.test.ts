import { describe, expect, it } from "vitest";
import { chat, post } from "./asking.ts";
import { KINDS, generationsOf, modelOf, proofForFile } from "./harness.ts";
import { leaver } from "./bare-client.ts";

const CHAT = "/v1/chat/completions";

// One slot each, so that a second request has to wait for the first: at the engine, also where it tells its slots.
const proof = proofForFile(
  KINDS.map((kind) => ({ kind, sim: { slots: 1 }, config: { concurrencyMax: 8 } })),
  { KEEP_ALIVE_MS: "100" },
);

const body = (kind: string, content: string, more: Record<string, unknown> = {}) =>
  chat(modelOf(kind), content, { stream: true, ...more });
const usage = { stream_options: { include_usage: true } };

const WAYS = ["reset", "close"] as const;

describe.each(KINDS)("a client that leaves stops the generation of %s", (kind) => {
  const sim = () => proof().sim(kind);
  /** Every generation has been stopped, and nothing runs or waits. */
  const expectStopped = async () => {
    const { requests } = await sim().waitFor(
      (seen) =>
        seen.running === 0 &&
        seen.waiting === 0 &&
        generationsOf(seen.requests).every(({ state }) => state === "aborted"),
    );
    const stopped = generationsOf(requests);
    expect(stopped.length).toBeGreaterThan(0);
    return stopped;
  };
  const gone = () =>
    proof().waitForLine(({ model, outcome }) => model === modelOf(kind) && outcome === "client_gone");

  it.each(WAYS)("before its first token (%s)", async (way) => {
    const client = leaver(proof(), CHAT, body(kind, "[sim first=20000]"), { "x-eco-keep-alive": "off" });
    await sim().waitFor(({ running }) => running === 1);
    client[way]();
    const [request] = await expectStopped();
    expect(request?.tokens).toBe(0);
  });

  it.each(WAYS)("while comments keep it waiting (%s)", async (way) => {
    const client = leaver(proof(), CHAT, body(kind, "[sim first=20000]"));
    await client.heard(/: keep-alive/);
    client[way]();
    await expectStopped();
    expect(await gone()).toMatchObject({ status: 200 });
  });

  it.each(WAYS)("in mid-stream (%s)", async (way) => {
    const client = leaver(proof(), CHAT, body(kind, "[sim gap=20 tokens=3000]"));
    await client.heard(/data: \{[^]*data: \{/);
    client[way]();
    const [request] = await expectStopped();
    expect(request?.aborted?.afterDisconnectMs).toBeLessThan(1_000);
    expect(request?.tokens).toBeLessThan(200);
  });

  it.each(WAYS)("in mid-stream with usage asked for (%s)", async (way) => {
    const client = leaver(proof(), CHAT, body(kind, "[sim gap=20 tokens=3000]", usage));
    await client.heard(/data: \{[^]*data: \{/);
    client[way]();
    await expectStopped();
  });

  it.each(WAYS)("in mid-stream, when it is silent (%s)", async (way) => {
    const client = leaver(proof(), CHAT, body(kind, "[sim hang=4]"));
    await client.heard(/data: \{/);
    client[way]();
    await expectStopped();
  });

  it("while it waits for its turn", async () => {
    const first = leaver(proof(), CHAT, body(kind, "[sim gap=20 tokens=3000]"));
    await first.heard(/data: \{/);
    const second = leaver(proof(), CHAT, body(kind, "Me too"));
    await second.heard(/: keep-alive/);
    await sim().waitFor(({ waiting }) => waiting === 1);
    second.close();
    await sim().waitFor(({ waiting, running }) => waiting === 0 && running === 1);
    first.reset();
    await expectStopped();
  });

  it.each(WAYS)("of an answer that is not streamed (%s)", async (way) => {
    const client = leaver(proof(), CHAT, chat(modelOf(kind), "[sim gap=20 tokens=3000]"));
    const { requests } = await sim().waitFor((seen) => (generationsOf(seen.requests)[0]?.tokens ?? 0) > 2);
    const before = generationsOf(requests)[0]?.tokens ?? 0;
    client[way]();
    const [request] = await expectStopped();
    // At a token in 20 ms: within a second.
    expect((request?.tokens ?? 0) - before).toBeLessThan(50);
    const line = await proof().waitForLine(({ model, status }) => model === modelOf(kind) && status === 499);
    expect(line).toMatchObject({ error: "client_gone", engine: kind });
  });

  it("and the engine serves the next one", async () => {
    const client = leaver(proof(), CHAT, body(kind, "[sim gap=20 tokens=3000]"));
    await client.heard(/data: \{/);
    client.reset();
    await expectStopped();
    sim().reset();
    expect((await post(proof(), CHAT, chat(modelOf(kind), "Next"))).status).toBe(200);
  });
});
