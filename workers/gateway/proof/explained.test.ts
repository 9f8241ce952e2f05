import { describe, expect, it } from "vitest";
import { adminOf, errorOf } from "./admin.ts";
import { chat, post, readStream } from "./asking.ts";
import { leaver } from "./bare-client.ts";
import { type EngineSpec, type LogLine, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const SECRET = "a-word-of-the-prompt";

const ENGINES: readonly EngineSpec[] = [
  { kind: "vllm", id: "first", sim: { models: ["pair"] }, config: { weight: 1000 } },
  { kind: "vllm", id: "second", sim: { models: ["pair"] }, config: { weight: 0 } },
  { kind: "openai", id: "narrow", config: { concurrencyMax: 1, queueTimeoutMs: 600_000 } },
  { kind: "openai", id: "again", config: { retriesMax: 2 } },
  { kind: "ollama", id: "named" },
];
const proof = proofForFile(ENGINES, { KEEP_ALIVE_MS: "100" });
const admin = adminOf(proof);

const asOperator = (more: Record<string, string> = {}) => ({
  headers: { authorization: `Bearer ${proof().adminKey}`, ...more },
});
const ask = (model: string, content: string, more = {}, headers: Record<string, string> = {}) =>
  post(proof(), CHAT, chat(model, `${SECRET} ${content}`, more), asOperator(headers));

type Told = Record<"attempts" | "queueMs" | "engineMs" | "overheadMs", number> & { engine: string | null };
/** What an answer's headers say of it. */
function toldBy({ headers }: Response): Told {
  const number = (name: string) => Number(headers.get(name) ?? NaN);
  return {
    engine: headers.get("x-eco-engine"),
    attempts: number("x-eco-attempts"),
    queueMs: number("x-eco-queue-ms"),
    engineMs: number("x-eco-engine-ms"),
    overheadMs: number("x-eco-overhead-ms"),
  };
}

type Line = LogLine & {
  queue_ms: number;
  engine_ms: number;
  overhead_ms: number;
  total_ms: number;
  attempts?: { engine: string; reason: string; ms: number; queue_ms?: number }[];
};
/** The line of an answer, of which the parts are the whole. */
async function lineOf(response: Response): Promise<Line> {
  const line = (await proof().lineOf(response)) as Line;
  const { queue_ms, engine_ms, overhead_ms, total_ms, attempts = [] } = line;
  for (const ms of [queue_ms, engine_ms, overhead_ms, total_ms])
    expect(ms).toSatisfy((value: number) => Number.isInteger(value) && value >= 0);
  expect(queue_ms + engine_ms + overhead_ms).toBe(total_ms);
  expect(attempts.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThanOrEqual(engine_ms);
  expect(attempts.reduce((sum, each) => sum + (each.queue_ms ?? 0), 0)).toBeLessThanOrEqual(queue_ms);
  return line;
}
/** What the headers say is the beginning of what the line says. */
function expectToAgree(told: Told, line: Line): void {
  expect(told.engine).toBe(line.engine);
  expect(told.queueMs).toBeLessThanOrEqual(line.queue_ms);
  expect(told.engineMs).toBeLessThanOrEqual(line.engine_ms);
  expect(told.queueMs + told.engineMs + told.overheadMs).toBeLessThanOrEqual(line.total_ms);
}

describe("an answer for an operator", () => {
  it("tells its engine and where its time went", async () => {
    const response = await ask("sim-narrow", "[sim first=150]");
    const told = toldBy(response);
    const line = await lineOf(response);
    expectToAgree(told, line);
    expect(told).toMatchObject({ engine: "narrow", attempts: 1 });
    expect(told.engineMs).toBeGreaterThanOrEqual(140);
    // Nothing of the answer is left when its headers leave.
    expect(told.engineMs).toBe(line.engine_ms);
    expect(line).not.toHaveProperty("attempts");
  });

  it("counts the engines that failed before, each with its reason and its time", async () => {
    const response = await ask("pair", "[sim on=first headers=120 status=500] [sim on=second first=80]");
    const told = toldBy(response);
    const line = await lineOf(response);
    expectToAgree(told, line);
    expect(told).toMatchObject({ engine: "second", attempts: 2 });
    expect(line).toMatchObject({
      engine: "second",
      attempt_count: 2,
      attempts: [{ engine: "first", reason: expect.stringContaining("EngineCore"), ms: expect.any(Number) }],
    });
    expect(line.attempts?.[0]?.ms).toBeGreaterThanOrEqual(110);
    expect(line.engine_ms - (line.attempts?.[0]?.ms ?? 0)).toBeGreaterThanOrEqual(70);
  });

  it("counts the time until an engine is asked again as waiting", async () => {
    const response = await ask("sim-again", "[sim once status=500]");
    const line = await lineOf(response);
    expectToAgree(toldBy(response), line);
    expect(toldBy(response)).toMatchObject({ engine: "again", attempts: 2 });
    expect(line.attempts).toMatchObject([{ engine: "again" }]);
  });

  it("tells how long it waited for a slot", async () => {
    const holder = leaver(proof(), CHAT, chat("sim-narrow", "Hold [sim hang=3]", { stream: true }));
    await holder.heard(/data: \{/);
    const waiting = ask("sim-narrow", "Next", {}, { "x-eco-priority": "high" });
    const state = async () =>
      (await (await admin("GET", "/admin/engines/narrow")).json()) as { state: { waiting: number } };
    await expect.poll(state, { timeout: 5_000 }).toMatchObject({ state: { waiting: 1 } });
    holder.close();
    const response = await waiting;
    const told = toldBy(response);
    const line = await lineOf(response);
    expectToAgree(told, line);
    expect(told).toMatchObject({ engine: "narrow", attempts: 1, queueMs: line.queue_ms });
    expect(told.queueMs).toBeGreaterThan(0);
    expect(line.priority).toBe("high");
  });

  it.each([
    ["every engine failed", "pair", "[sim status=500]", 502, 2],
    ["the engine found fault with it", "sim-narrow", "[sim status=422]", 422, 1],
  ])("explains an error as well: %s", async (_, model, content, status, attempts) => {
    const response = await ask(model, content);
    expect(response.status).toBe(status);
    const told = toldBy(response);
    expectToAgree(told, await lineOf(response));
    expect(told.attempts).toBe(attempts);
    expect(told.overheadMs).toBeGreaterThanOrEqual(0);
  });

  it("has nothing to explain where no engine was asked", async () => {
    const response = await ask("no-such-model", "Hello");
    expect(response.status).toBe(404);
    expect([...response.headers.keys()].filter((name) => name.startsWith("x-eco-"))).toEqual([
      "x-eco-request-id",
    ]);
  });
});

describe("a stream for an operator", () => {
  it("tells in its headers what was until then, and in its line all of it", async () => {
    const response = await ask("pair", "[sim tokens=8 first=120 gap=20]", { stream: true });
    const told = toldBy(response);
    await readStream(response);
    const line = await lineOf(response);
    expectToAgree(told, line);
    expect(line.engine_ms).toBeGreaterThanOrEqual(told.engineMs + 100);
    expect(line.first_token_ms).toBeLessThanOrEqual(line.total_ms);
  });

  it("counts an engine that is still asked when the headers leave", async () => {
    const response = await ask("pair", "[sim tokens=4 first=400]", { stream: true });
    const told = toldBy(response);
    expect(told).toMatchObject({ engine: "first", attempts: 1 });
    expect(told.engineMs).toBeGreaterThanOrEqual(80);
    await readStream(response);
    expectToAgree(told, await lineOf(response));
  });

  it("has in its line where it broke off, after how long, and who went on", async () => {
    const response = await ask("pair", "[sim tokens=12 gap=10] [sim on=first die=8]", { stream: true });
    expect((await readStream(response)).done).toBe(true);
    const line = await lineOf(response);
    expect(line).toMatchObject({
      outcome: "complete",
      engine: "second",
      attempt_count: 2,
      attempts: [{ engine: "first", reason: "the connection to it was lost" }],
      continued: [{ from: "first", to: "second" }],
    });
    expect(line.attempts?.[0]?.ms).toBeGreaterThanOrEqual(50);
    expect(line.engine_ms).toBeGreaterThan(line.attempts?.[0]?.ms ?? 0);
  });
});

describe("an answer for a developer", () => {
  it.each([
    ["Hello", 200],
    ["[sim status=500]", 502],
  ])("has its request's id, and says nothing of engines: %s", async (content, status) => {
    const response = await post(proof(), CHAT, chat("sim-narrow", content), {
      headers: { "x-eco-engine": "again", "x-eco-priority": "high" },
    });
    expect(response.status).toBe(status);
    expect([...response.headers.keys()].filter((name) => name.startsWith("x-eco-"))).toEqual([
      "x-eco-request-id",
    ]);
    expect(await lineOf(response)).toMatchObject({ engine: "narrow", priority: "normal" });
  });
});

describe("a priority that there is not", () => {
  const misspelt = { "x-eco-priority": "hihg" };

  it("is told to an operator, and nothing is asked", async () => {
    const response = await ask("pair", "Hello", {}, { ...misspelt });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ param: "x-eco-priority" });
  });

  it("is nothing to anybody else", async () => {
    const response = await post(proof(), CHAT, chat("pair", "Hello"), { headers: misspelt });
    expect(response.status).toBe(200);
    await response.text();
  });
});

describe("the line of a request", () => {
  it("has these members, and nothing of what was asked or answered", async () => {
    const response = await ask("pair", "[sim on=first die=0]", {}, { "x-eco-engine": "first" });
    const text = await response.text();
    const line = await lineOf(response);
    expect(line).toEqual({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      request: response.headers.get("x-eco-request-id"),
      method: "POST",
      path: CHAT,
      status: response.status,
      operation: "chat",
      key: expect.stringMatching(/^key_/),
      workspace: proof().workspaceId,
      model: "pair",
      engine: "first",
      attempts: [{ engine: "first", reason: expect.any(String), ms: expect.any(Number) }],
      attempt_count: 1,
      priority: "normal",
      pin: "first",
      error: "engines_unavailable",
      queue_ms: expect.any(Number),
      engine_ms: expect.any(Number),
      overhead_ms: expect.any(Number),
      total_ms: expect.any(Number),
    });
    expect(text).not.toBe("");
    const all = JSON.stringify(proof().lines);
    for (const secret of [SECRET, proof().key, proof().adminKey]) expect(all).not.toContain(secret);
  });

  it("names the model as the caller does, and by its id", async () => {
    const response = await ask("sim-named", "Hello");
    expect(await lineOf(response)).toMatchObject({ model: "sim-named", model_id: "sim-named:latest" });
  });

  it("is bounded, whatever callers write", async () => {
    const response = await ask("m".repeat(5_000), "Hello");
    expect(JSON.stringify(await lineOf(response)).length).toBeLessThan(1_000);
  });
});

describe("GET /admin/requests/{id}", () => {
  const explain = (id: string) => admin("GET", `/admin/requests/${id}`);
  const idOf = (response: Response) => response.headers.get("x-eco-request-id") ?? "";

  it.each<[string, string, string, object]>([
    ["an answer", "sim-narrow", "Hello", {}],
    ["one that another engine gave", "pair", "[sim on=first status=500]", {}],
    ["one that failed", "pair", "[sim status=500]", {}],
    ["a stream that was continued", "pair", "[sim tokens=9] [sim on=first die=5]", { stream: true }],
    ["a mistake of the caller", "pair", "Hello", { temperature: 9 }],
  ])("tells of %s what its line says, the moment it has ended", async (_, model, content, more) => {
    const response = await ask(model, content, more);
    await response.text();
    const told = await explain(idOf(response));
    expect(told.status).toBe(200);
    expect(told.headers.get("cache-control")).toBe("no-store");
    expect(await told.json()).toEqual({ object: "request", ...(await lineOf(response)) });
  });

  it("finds a request by the id of one of its attempts, as engines know it", async () => {
    const id = idOf(await ask("pair", "[sim on=first status=500]"));
    const attempt = `${id.slice(0, -2)}01`;
    expect(await (await explain(attempt)).json()).toMatchObject({ request: id });
  });

  it("finds any of the last thousand", async () => {
    const ids: string[] = [];
    const asker = async () => {
      while (ids.length < 1_000) ids.push(idOf(await fetch(`${proof().url}/health`)));
    };
    await Promise.all(Array.from({ length: 20 }, asker));
    const last = ids.slice(-1_000);
    for (const id of [last[0], last[1], last[500], last.at(-1)])
      expect(await (await explain(id ?? "")).json()).toMatchObject({ request: id, operation: "health" });
  });

  it.each([`req_${"0".repeat(32)}`, "req_1", "%22", "x".repeat(3_000)])(
    "is a 404 that says what to do: %s",
    async (id) => {
      const response = await explain(id);
      expect(response.status).toBe(404);
      const { message, code } = await errorOf(response);
      expect(code).toBe("not_found");
      expect(message).toContain("a few seconds after");
    },
  );
});
