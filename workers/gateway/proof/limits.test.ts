import { describe, expect, it } from "vitest";
import type { Limits } from "../../../shared/contracts/limits.ts";
import type { UsageReport } from "../../../shared/contracts/usage.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { randomBytes } from "node:crypto";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import { chat, errorOf } from "./asking.ts";
import { type LogLine, generationsOf, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const proof = proofForFile([{ kind: "vllm", config: { concurrencyMax: 256 } }]);

type Key = { readonly id: string; readonly secret: string };

/** A developer's key with these limits, in the proof's workspace unless told. */
async function keyWith(limits?: Limits, workspaceId = proof().workspaceId): Promise<Key> {
  const id = `key_${randomBase62(20, (count) => new Uint8Array(randomBytes(count)))}`;
  const key = { id, workspaceId, name: "limited", role: "developer" as const, nowMs: Date.now() };
  const secret = await createKey(proof().database, proof().pepper, { ...key, ...(limits && { limits }) });
  return { id, secret };
}

const ask = ({ secret }: Key, more: object = {}, content = "Hello [sim tokens=4]") =>
  proof().fetch(proof().url + CHAT, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret}` },
    body: JSON.stringify({ ...chat(modelOf("vllm"), content), max_tokens: 8, ...more }),
  });

const admin = (path: string, method = "GET", body?: object) =>
  fetch(proof().url + path, {
    method,
    headers: { authorization: `Bearer ${proof().adminKey}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });

/** What the books hold of a key, once everything that was used has been written. */
async function booksOf({ id }: Key): Promise<UsageReport["totals"]> {
  const { totals } = (await (await admin(`/admin/usage?key=${id}`)).json()) as UsageReport;
  return totals;
}

/** The tokens of an answer, as its line in the log has them. */
const completionOf = (line: LogLine | undefined): number =>
  (line?.usage as { completion_tokens: number } | undefined)?.completion_tokens ?? NaN;

/** Eight clients that ask so often one after the other. */
async function race(keys: readonly Key[], times: number): Promise<Response[]> {
  const client = async (_: unknown, which: number) => {
    const answers: Response[] = [];
    const key = keys[which % keys.length] as Key;
    for (let at = 0; at < times; at++) answers.push(await ask(key));
    return answers;
  };
  return (await Promise.all(Array.from({ length: 8 }, client))).flat();
}

const count = (answers: readonly Response[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe("requests per minute", () => {
  it("lets exactly so many of a thousand racing requests in, and says of the others when to come back", async () => {
    const key = await keyWith({ requestsPerMinute: 100 });
    const answers = await race([key], 125);
    expect([count(answers, 200), count(answers, 429)]).toEqual([100, 900]);
    expect(proof().sim("vllm").seen().accepted).toBe(100);
    const refused = await ask(key);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(30);
    expect(refused.headers.get("x-ratelimit-limit-requests")).toBe("100");
    expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(refused.headers.get("x-ratelimit-reset-requests")).toMatch(/^(1m)?\d+s$/);
    const { code, message } = await errorOf(refused);
    expect(code).toBe("rate_limit_exceeded");
    expect(message).toContain("100 requests per minute (requests_per_minute), of which 0 are left");
    expect(await booksOf(key)).toMatchObject({ requests: 100, estimatedRequests: 0, completionTokens: 400 });
  });

  it("of a workspace lets exactly so many in of all its keys", async () => {
    const workspaceId = await createWorkspace(proof().database, "limited", Date.now(), {
      operator: false,
      limits: { requestsPerMinute: 60 },
    });
    const keys = await Promise.all(Array.from({ length: 4 }, () => keyWith(undefined, workspaceId)));
    const answers = await race(keys, 25);
    expect([count(answers, 200), count(answers, 429)]).toEqual([60, 140]);
    const refused = await ask(keys[0] as Key);
    expect((await errorOf(refused)).message).toContain("The workspace of this key");
  });
});

describe("limits", () => {
  it("tell of every answer how the key stands", async () => {
    const key = await keyWith({ requestsPerMinute: 10, tokensPerMinute: 1000 });
    const answer = await ask(key);
    expect(answer.headers.get("x-ratelimit-remaining-requests")).toBe("9");
    expect(Number(answer.headers.get("x-ratelimit-remaining-tokens"))).toBeLessThan(1000);
  });

  it("of requests at once count those under way, and no others", async () => {
    const key = await keyWith({ concurrentRequests: 2 });
    const long = () => ask(key, { stream: true }, "Long [sim tokens=4 first=600]");
    const [one, two] = [long(), long()];
    await proof()
      .sim("vllm")
      .waitFor(({ running }) => running === 2);
    const refused = await ask(key);
    expect(refused.status).toBe(429);
    expect((await errorOf(refused)).message).toContain("concurrent_requests");
    await Promise.all([one, two].map(async (answer) => (await answer).text()));
    // Whoever has read the end of an answer can rely on its place being free.
    for (let at = 0; at < 5; at++) expect((await ask(key)).status).toBe(200);
  });

  it("that are a budget say so as OpenAI does, and what is larger than all of it is not to be tried again", async () => {
    const spent = await keyWith({ tokensPerDay: 60 });
    expect((await ask(spent)).status).toBe(200);
    const statuses = [];
    for (let at = 0; at < 6; at++) statuses.push((await ask(spent)).status);
    expect(statuses).toContain(429);
    expect(await errorOf(await ask(spent))).toMatchObject({ code: "insufficient_quota" });
    const tooLarge = await ask(await keyWith({ tokensPerMinute: 100 }), { max_tokens: 1000 });
    expect([tooLarge.status, tooLarge.headers.get("x-should-retry")]).toEqual([429, "false"]);
    expect(tooLarge.headers.get("retry-after")).toBeNull();
  });

  it("of cost count by the model's price", async () => {
    expect(
      (
        await admin("/admin/models", "POST", {
          id: modelOf("vllm"),
          capabilities: ["chat"],
          price: { inputPerMillion: 1000, outputPerMillion: 1000 },
        })
      ).status,
    ).toBe(201);
    const key = await keyWith({ costPerDay: 0.2 });
    let last = await ask(key);
    for (let at = 0; at < 30 && last.status === 200; at++) last = await ask(key);
    expect(last.status).toBe(429);
    expect((await errorOf(last)).message).toContain("cost_per_day");
    const { totalTokens, cost } = await booksOf(key);
    expect(Number(cost)).toBeCloseTo(totalTokens / 1000, 9);
    expect(Number(cost)).toBeLessThanOrEqual(0.2);
    expect((await admin(`/admin/models/${modelOf("vllm")}`, "PATCH", { price: null })).status).toBe(200);
  });

  it("take nothing for what is malformed, or for no model", async () => {
    const key = await keyWith({ requestsPerMinute: 1 });
    expect((await ask(key, { messages: "none" })).status).toBe(400);
    expect((await ask(key, { model: "nowhere" })).status).toBe(404);
    expect((await ask(key)).status).toBe(200);
    expect((await ask(key)).status).toBe(429);
  });
});

describe("the books", () => {
  it("hold of streams that were cut at random what was produced, one chunk more or less", async () => {
    const key = await keyWith();
    const produced = async (which: number) => {
      // The engine stops where the client is to leave: how fast it hears of that is another matter.
      const tokens = 5 + Math.floor(Math.random() * 30);
      const leaving = new AbortController();
      const answer = await fetch(proof().url + CHAT, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key.secret}` },
        body: JSON.stringify(
          chat(modelOf("vllm"), `Cut ${which} [sim tokens=40 gap=1 hang=t${tokens}]`, { stream: true }),
        ),
        signal: leaving.signal,
      });
      const decoder = new TextDecoder();
      let heard = "";
      for await (const part of answer.body as ReadableStream<Uint8Array>) {
        heard += decoder.decode(part, { stream: true });
        if (heard.split('"content"').length > tokens) break;
      }
      leaving.abort();
      return answer.headers.get("x-request-id") ?? "";
    };
    const ids: string[] = [];
    for (let at = 0; at < 200; at += 20)
      ids.push(...(await Promise.all(Array.from({ length: 20 }, (_, which) => produced(at + which)))));
    const { requests } = await proof()
      .sim("vllm")
      .waitFor((seen) => seen.running === 0 && generationsOf(seen.requests).length >= 200);
    const off: unknown[] = [];
    for (const id of ids) {
      const line = await proof().waitForLine(({ request, status }) => request === id && status !== undefined);
      const usage = line.usage as { completion_tokens: number };
      const sim = requests.find(({ headers }) => headers["x-request-id"] === id);
      if (Math.abs((sim?.tokens ?? NaN) - usage.completion_tokens) > 1)
        off.push({ produced: sim?.tokens, booked: usage, outcome: line.outcome });
    }
    expect(off).toEqual([]);
    const totals = await booksOf(key);
    const booked = ids.map((id) => proof().lines.find(({ request, usage }) => request === id && usage));
    expect(totals.requests).toBe(200);
    expect(totals.completionTokens).toBe(booked.reduce((sum, line) => sum + completionOf(line), 0));
  });
});

describe("a key under load", () => {
  const load = (secretOf: () => string, statuses: number[], isOver: () => boolean) =>
    Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!isOver()) statuses.push((await ask({ id: "", secret: secretOf() })).status);
      }),
    );

  it("is rotated without an error, and the old secret works in its grace", async () => {
    const key = await keyWith();
    const statuses: number[] = [];
    let { secret } = key;
    let over = false;
    const loading = load(
      () => secret,
      statuses,
      () => over,
    );
    for (let at = 0; at < 3; at++) {
      const rotated = await admin(`/api/v1/keys/${key.id}/rotate`, "POST", { graceSeconds: 60 });
      expect(rotated.status).toBe(200);
      const made = (await rotated.json()) as { secret: string };
      expect((await ask(key)).status).toBe(at === 0 ? 200 : 401);
      secret = made.secret;
    }
    over = true;
    await loading;
    // Of the two that were replaced twice, a client may have held one when it ended: it held the live ones only.
    expect(statuses.filter((status) => status !== 200 && status !== 401)).toEqual([]);
    expect(statuses.length).toBeGreaterThan(20);
  });

  it("is revoked when that is answered: nothing is admitted behind it", async () => {
    const key = await keyWith();
    const statuses: number[] = [];
    let over = false;
    const loading = load(
      () => key.secret,
      statuses,
      () => over,
    );
    await proof()
      .sim("vllm")
      .waitFor(({ accepted }) => accepted > 50);
    expect((await admin(`/api/v1/keys/${key.id}`, "DELETE")).status).toBe(200);
    // What was admitted before may still be on its way to the engine.
    const behind = await Promise.all(Array.from({ length: 20 }, async () => (await ask(key)).status));
    over = true;
    await loading;
    expect(behind).toEqual(Array.from({ length: 20 }, () => 401));
    expect(new Set(statuses)).toEqual(new Set([200, 401]));
  });
});

// Last in the file: the tables are away meanwhile.
describe("a database that goes away in the middle of answers", () => {
  const TABLES = ["api_keys", "key_secrets", "usage_hours", "workspaces", "engines", "models"];
  const rename = (nameOf: (table: string) => readonly [from: string, to: string]) =>
    proof().database.batch(
      TABLES.map((table) => {
        const [from, to] = nameOf(table);
        return proof().database.prepare(`ALTER TABLE ${from} RENAME TO ${to}`);
      }),
    );

  it("breaks none of them, refuses nobody who is known, and loses nothing of the books", async () => {
    const key = await keyWith({ requestsPerMinute: 1_000, tokensPerDay: 1_000_000 });
    const stranger = await keyWith();
    expect((await ask(key)).status).toBe(200);
    const streams = Array.from({ length: 8 }, (_, which) =>
      ask(key, { stream: true, max_tokens: 60 }, `Long ${which} [sim tokens=50 gap=20]`),
    );
    await proof()
      .sim("vllm")
      .waitFor(({ running }) => running === 8);
    await rename((table) => [table, `away_${table}`]);
    const texts = await Promise.all(streams.map(async (answer) => (await answer).text()));
    expect((await ask(key)).status).toBe(200);
    const refused = await ask(stranger);
    expect([refused.status, (await errorOf(refused)).code]).toEqual([503, "store_unavailable"]);
    expect((await admin(`/admin/usage?key=${key.id}`)).status).toBe(503);
    await rename((table) => [`away_${table}`, table]);
    expect(texts.filter((text) => text.endsWith("data: [DONE]\n\n"))).toHaveLength(8);
    expect(await booksOf(key)).toMatchObject({
      requests: 10,
      estimatedRequests: 0,
      completionTokens: 8 * 50 + 2 * 4,
    });
    expect((await ask(stranger)).status).toBe(200);
  });
});
