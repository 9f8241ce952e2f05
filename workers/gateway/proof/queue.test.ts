import { describe, expect, it } from "vitest";
import { createKey } from "../../../scripts/platform/accounts.ts";
import type { AdminEngine } from "../../../shared/contracts/admin-engines.ts";
import { adminOf } from "./admin.ts";
import { chat, errorOf, post } from "./asking.ts";
import { type Leaver, leaver } from "./bare-client.ts";
import { type EngineSpec, generationsOf, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const CAP = 3;
const QUEUE_MAX = 2;

/** Each test has an engine of its own: how long an engine takes for a request is remembered, and waits are judged by it. */
const narrow = (id: string, config: EngineSpec["config"] & object): EngineSpec => ({
  kind: "vllm",
  id,
  config,
});
const PATIENT = { concurrencyMax: 1, queueTimeoutMs: 600_000 };
const proof = proofForFile([
  narrow("capped", { concurrencyMax: CAP, queueTimeoutMs: 600_000 }),
  narrow("bounded", { ...PATIENT, queueMax: QUEUE_MAX }),
  narrow("hasty", { ...PATIENT, queueTimeoutMs: 200 }),
  narrow("fair", PATIENT),
  narrow("urgent", PATIENT),
  narrow("left", { ...PATIENT, queueMax: QUEUE_MAX }),
  narrow("timed", PATIENT),
  narrow("roomy", {}),
]);
const admin = adminOf(proof);

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const ask = (id: string, content: string, headers: Record<string, string> = {}) =>
  post(proof(), CHAT, chat(modelOf(id), `${content} [sim tokens=4]`), { headers });

/** Takes an engine's only slot until it is closed. */
async function holdSlot(id: string): Promise<Leaver> {
  const holder = leaver(proof(), CHAT, chat(modelOf(id), "Hold [sim hang=3]", { stream: true }));
  await holder.heard(/data: \{/);
  return holder;
}

const waitingAt = async (id: string): Promise<number | undefined> =>
  ((await (await admin("GET", `/admin/engines/${id}`)).json()) as AdminEngine).state?.waiting;
async function expectWaiting(id: string, count: number): Promise<void> {
  await expect.poll(() => waitingAt(id), { timeout: 5_000, interval: 50 }).toBe(count);
}

/** What the engine was asked, in order, without directives. */
const askedOf = (id: string): string[] =>
  generationsOf(proof().sim(id).seen().requests).map(({ body }) => {
    const { messages } = body as { messages: { content: string }[] };
    return messages.at(-1)?.content.replace(/ \[sim.*/, "") ?? "";
  });

async function expectTurnedAway(response: Response): Promise<void> {
  expect(response.status).toBe(429);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect((await errorOf(response)).code).toBe("engines_overloaded");
}

describe("an engine that may have three requests at once", () => {
  it("never has a fourth, uses all three, and answers everybody", async () => {
    const sim = proof().sim("capped");
    let most = 0;
    const all = sim.waitFor((seen) => {
      most = Math.max(most, seen.running);
      return seen.finished === 12;
    }, 20_000);
    const ask12 = Array.from({ length: 12 }, (_, at) =>
      post(
        proof(),
        CHAT,
        chat(modelOf("capped"), `No. ${at} [sim tokens=10 gap=10]`, { stream: at % 2 === 0 }),
      ),
    );
    for (const response of await Promise.all(ask12)) {
      expect(response.status).toBe(200);
      await response.text();
    }
    await all;
    expect(most).toBe(CAP);
    expect(askedOf("capped")).toHaveLength(12);
  });
});

describe("a queue", () => {
  it("takes as many as it may, and turns the rest away with a time to come back", async () => {
    const holder = await holdSlot("bounded");
    const waiting = [ask("bounded", "first"), ask("bounded", "second")];
    await expectWaiting("bounded", QUEUE_MAX);
    const rest = await Promise.all([ask("bounded", "third"), ask("bounded", "fourth")]);
    for (const response of rest) await expectTurnedAway(response);
    holder.close();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);
    expect(askedOf("bounded").toSorted()).toEqual(["Hold", "first", "second"]);
  });

  it("turns away at once whoever would wait longer than the engine's operator allows", async () => {
    const holder = await holdSlot("hasty");
    await expectTurnedAway(await ask("hasty", "quick"));
    expect(askedOf("hasty")).toEqual(["Hold"]);
    holder.close();
  });

  it("lets nobody's many requests delay another one's single one", async () => {
    const nowMs = Date.now();
    const { database, pepper, workspaceId } = proof();
    const other = await createKey(database, pepper, { workspaceId, name: "b", role: "developer", nowMs });
    const holder = await holdSlot("fair");
    const many = Array.from({ length: 20 }, (_, at) => ask("fair", `a${at}`));
    await expectWaiting("fair", 20);
    const single = ask("fair", "b", bearer(other));
    await expectWaiting("fair", 21);
    holder.close();
    expect((await single).status).toBe(200);
    for (const response of await Promise.all(many)) expect(response.status).toBe(200);
    const order = askedOf("fair");
    expect(order).toHaveLength(22);
    expect(order.indexOf("b")).toBeLessThanOrEqual(2);
  });

  it("serves what operators call urgent first, and hears nobody else say so", async () => {
    const priority = (value: string) => ({ "x-eco-priority": value });
    const operator = bearer(proof().adminKey);
    const holder = await holdSlot("urgent");
    const waiting: Promise<Response>[] = [];
    const join = async (content: string, headers: Record<string, string>) => {
      waiting.push(ask("urgent", content, headers));
      await expectWaiting("urgent", waiting.length);
    };
    await join("low", { ...operator, ...priority("low") });
    await join("normal", {});
    await join("pretended", priority("high"));
    await join("urgent", { ...operator, ...priority("high") });
    holder.close();
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);
    expect(askedOf("urgent")).toEqual(["Hold", "urgent", "normal", "pretended", "low"]);
  });

  it("gives the place of a caller who left to the next one, and the engine never hears of who left", async () => {
    const holder = await holdSlot("left");
    const [first, second] = ["gone", "also gone"].map((content) =>
      leaver(proof(), CHAT, chat(modelOf("left"), content), { "x-eco-keep-alive": "off" }),
    );
    await expectWaiting("left", QUEUE_MAX);
    await expectTurnedAway(await ask("left", "too many"));
    first?.close();
    second?.reset();
    await expectWaiting("left", 0);
    const next = ask("left", "next");
    await expectWaiting("left", 1);
    holder.close();
    expect((await next).status).toBe(200);
    expect(askedOf("left")).toEqual(["Hold", "next"]);
  });

  it("tells operators and the log how long a request has waited, and nothing of a wait that was none", async () => {
    const operator = bearer(proof().adminKey);
    // The first one of all asks for slots, which takes a moment; those behind it find some.
    await ask("roomy", "first");
    const atOnce = await ask("roomy", "at once", operator);
    expect(atOnce.headers.get("x-eco-queue-ms")).toBe("0");
    expect((await proof().lineOf(atOnce)).queue_ms).toBe(0);
    const holder = await holdSlot("timed");
    const waiting = ask("timed", "later", operator);
    await expectWaiting("timed", 1);
    holder.close();
    const later = await waiting;
    const line = await proof().lineOf(later);
    const { queue_ms: queueMs, total_ms: totalMs } = line;
    expect(Number(queueMs)).toBeGreaterThan(0);
    expect(Number(queueMs)).toBeLessThanOrEqual(Number(totalMs));
    expect(later.headers.get("x-eco-queue-ms")).toBe(String(queueMs));
  });
});
