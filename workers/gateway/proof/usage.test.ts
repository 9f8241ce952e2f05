import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import type { UsageReport } from "../../../shared/contracts/usage.ts";
import { usageHours } from "../store/schema.ts";
import { errorOf } from "./asking.ts";
import { proofForFile } from "./harness.ts";

const proof = proofForFile([]);

const OWN = "/api/v1/usage";
const ALL = "/admin/usage";
const NOVEMBER = "from=2026-11-01&to=2026-12-01";
const keyId = (letter: string) => `key_${letter.repeat(20)}`;

type Caller = "operator" | "boss" | "dev" | "viewer" | "other" | "auditor";
const keys = {} as Record<Caller, string>;
let ours = "";
let theirs = "";

const ask = (caller: Caller, path: string, headers: Record<string, string> = {}) =>
  proof().fetch(proof().url + path, { headers: { authorization: `Bearer ${keys[caller]}`, ...headers } });
const report = async (caller: Caller, path: string): Promise<UsageReport> => {
  const response = await ask(caller, path);
  expect(response.status).toBe(200);
  return (await response.json()) as UsageReport;
};

beforeAll(async () => {
  const { database, pepper } = proof();
  const nowMs = Date.now();
  ours = await createWorkspace(database, "ours", nowMs, { operator: false });
  theirs = await createWorkspace(database, "theirs", nowMs, { operator: false });
  const make = async (caller: Caller, workspaceId: string, role: Role, id: string, scopes?: string[]) => {
    keys[caller] = await createKey(database, pepper, {
      workspaceId,
      name: caller,
      role,
      id,
      nowMs,
      ...(scopes && { scopes }),
    });
  };
  keys.operator = proof().adminKey;
  await make("boss", ours, "admin", keyId("b"));
  await make("dev", ours, "developer", keyId("d"));
  await make("viewer", ours, "viewer", keyId("v"));
  await make("auditor", ours, "admin", keyId("u"), ["usage:read"]);
  await make("other", theirs, "admin", keyId("o"));
  const row = (time: string, workspaceId: string, key: string, model: string, requests: number) => ({
    workspaceId,
    hour: Date.parse(time) / 3_600_000,
    keyId: keyId(key),
    model,
    engine: "gpu-1",
    requests,
    estimated: 0,
    promptTokens: 100 * requests,
    cachedTokens: 10 * requests,
    completionTokens: 50 * requests,
    reasoningTokens: 5 * requests,
    costNano: 1_500_000_001 * requests,
    queueMs: requests,
    engineMs: 20 * requests,
    overheadMs: 2 * requests,
  });
  const db = drizzle(database);
  await db
    .insert(usageHours)
    .values([
      row("2026-10-31T23:00:00Z", ours, "d", "m", 100),
      row("2026-11-01T00:00:00Z", ours, "d", "m", 1),
      row("2026-11-01T01:00:00Z", ours, "b", "=m,1", 2),
    ]);
  await db
    .insert(usageHours)
    .values([
      row("2026-11-30T23:00:00Z", ours, "d", "m", 4),
      row("2026-12-01T00:00:00Z", ours, "d", "m", 200),
      row("2026-11-15T12:00:00Z", theirs, "o", "m", 8),
    ]);
});

describe("a workspace's usage", () => {
  it("is a month of UTC, from its first hour to its last, in lines and in all", async () => {
    const answer = await report("boss", `${OWN}?${NOVEMBER}&groupBy=month`);
    const amounts = {
      requests: 7,
      estimatedRequests: 0,
      promptTokens: 700,
      cachedTokens: 70,
      completionTokens: 350,
      reasoningTokens: 35,
      totalTokens: 1_050,
      cost: "10.500000007",
      queueMs: 7,
      engineMs: 140,
      overheadMs: 14,
    };
    expect(answer).toEqual({
      object: "usage",
      from: "2026-11-01T00:00:00Z",
      to: "2026-12-01T00:00:00Z",
      groupBy: ["month"],
      asOf: expect.any(String),
      data: [{ month: "2026-11", ...amounts }],
      totals: amounts,
      hasMore: false,
      next: null,
    });
  });

  it.each<[Caller, path: string, requests: number]>([
    ["boss", OWN, 7],
    ["auditor", OWN, 7],
    ["dev", OWN, 5],
    ["viewer", OWN, 0],
    ["other", OWN, 8],
    ["operator", OWN, 0],
    ["operator", ALL, 15],
    ["boss", `${OWN}&key=${keyId("d")}`, 5],
    ["boss", `${OWN}&key=${keyId("o")}`, 0],
    ["boss", `${OWN}&key=nobody`, 0],
    ["dev", `${OWN}&key=${keyId("d")}`, 5],
    ["dev", `${OWN}&key=${keyId("b")}`, 0],
    ["other", `${OWN}&key=${keyId("d")}`, 0],
    ["operator", `${ALL}&key=${keyId("d")}`, 5],
    ["boss", `${OWN}&model=m`, 5],
    ["boss", `${OWN}&model=${encodeURIComponent("=m,1")}`, 2],
    ["boss", `${OWN}&engine=gpu-1`, 7],
    ["boss", `${OWN}&engine=gpu-2`, 0],
  ])("%s sees of %s %d requests", async (caller, path, requests) => {
    const answer = await report(
      caller,
      path.replace(/&|$/, (sign) => `?${NOVEMBER}${sign}`),
    );
    expect(answer.totals.requests).toBe(requests);
    expect(answer.data.reduce((sum, line) => sum + line.requests, 0)).toBe(requests);
  });

  it("can be asked for by its id; another's cannot, but by operators", async () => {
    expect((await report("boss", `${OWN}?${NOVEMBER}&workspace=${ours}`)).totals.requests).toBe(7);
    for (const caller of ["boss", "dev", "operator"] as const) {
      const refused = await ask(caller, `${OWN}?${NOVEMBER}&workspace=${theirs}`);
      expect(refused.status).toBe(403);
    }
    expect((await report("operator", `${ALL}?${NOVEMBER}&workspace=${theirs}`)).totals.requests).toBe(8);
  });

  it("of all workspaces is for operators", async () => {
    for (const caller of ["boss", "dev", "auditor"] as const)
      expect((await ask(caller, `${ALL}?${NOVEMBER}`)).status).toBe(403);
    const answer = await report("operator", `${ALL}?${NOVEMBER}&groupBy=workspace,day`);
    expect(answer.groupBy).toEqual(["day", "workspace"]);
    expect(answer.data.map(({ day, workspace, requests }) => [day, workspace, requests])).toEqual([
      ["2026-11-01", ours, 3],
      ["2026-11-15", theirs, 8],
      ["2026-11-30", ours, 4],
    ]);
  });

  it("needs a key", async () => {
    for (const path of [OWN, ALL]) expect((await proof().fetch(proof().url + path)).status).toBe(401);
  });

  it("is read in pages, each with the totals of all", async () => {
    const days: (string | undefined)[] = [];
    let path: string | undefined = `${OWN}?${NOVEMBER}&groupBy=day,key&limit=1`;
    while (path !== undefined) {
      const response = await ask("boss", path);
      const page = (await response.json()) as UsageReport;
      expect(page.totals.requests).toBe(7);
      expect(page.data).toHaveLength(1);
      days.push(`${page.data[0]?.day} ${page.data[0]?.key?.charAt(4)}`);
      const next = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
      expect(next !== undefined).toBe(page.hasMore);
      expect(page.next !== null).toBe(page.hasMore);
      path = next;
    }
    expect(days).toEqual(["2026-11-01 b", "2026-11-01 d", "2026-11-30 d"]);
  });

  it("is CSV where that is asked for, with nothing that a spreadsheet would run", async () => {
    const asked = `${OWN}?${NOVEMBER}&groupBy=model,month`;
    const response = await ask("boss", asked, { accept: "text/csv" });
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe(
      'attachment; filename="usage-2026-11-01-2026-12-01.csv"',
    );
    expect(response.headers.get("cache-control")).toBe("no-store");
    const text = await response.text();
    expect(text).toBe(
      [
        "month,model,requests,estimatedRequests,promptTokens,cachedTokens,completionTokens,reasoningTokens,totalTokens,cost,queueMs,engineMs,overheadMs",
        `2026-11,"'=m,1",2,0,200,20,100,10,300,3.000000002,2,40,4`,
        "2026-11,m,5,0,500,50,250,25,750,7.500000005,5,100,10",
        "",
      ].join("\r\n"),
    );
    expect(await (await ask("boss", `${asked}&format=csv`)).text()).toBe(text);
    expect((await ask("boss", `${asked}&format=csv&limit=1`)).headers.get("link")).toMatch(
      /format=csv.*cursor=/,
    );
  });

  it("says how old its numbers can be: those of the calling key, and of a key that is named, are new", async () => {
    const beganMs = Date.now();
    const asOfMs = async (caller: Caller, more = "") =>
      Date.parse((await report(caller, `${OWN}?${NOVEMBER}${more}`)).asOf);
    expect(await asOfMs("dev")).toBeGreaterThanOrEqual(beganMs);
    expect(await asOfMs("boss", `&key=${keyId("d")}`)).toBeGreaterThanOrEqual(beganMs);
    for (const others of ["", "&key=nobody", `&key=${keyId("o")}`])
      expect(await asOfMs("boss", others)).toBeLessThanOrEqual(Date.now() - 30_000);
  });

  it("is of the last 30 days, by day, unless told", async () => {
    const { from, to, groupBy } = await report("boss", OWN);
    expect(Date.parse(to) - Date.parse(from)).toBe(30 * 24 * 3_600_000);
    expect(Date.parse(to)).toBeGreaterThan(Date.now());
    expect(groupBy).toEqual(["day"]);
  });

  it.each<[query: string, param: string]>([
    ["from=yesterday", "from"],
    ["from=2026-02-30", "from"],
    ["from=2024-01-01&to=2026-01-01", "from"],
    ["from=2026-11-02&to=2026-11-01", "from"],
    ["to=2026", "to"],
    ["groupBy=week", "groupBy"],
    ["groupBy=day,month", "groupBy"],
    ["limit=0", "limit"],
    ["limit=99999", "limit"],
    ["format=pdf", "format"],
    ["cursor=nonsense", "cursor"],
    ["modle=m", "modle"],
    ["model=m&model=n", "model"],
  ])("is refused for %s", async (query, param) => {
    for (const [caller, path] of [
      ["boss", OWN],
      ["operator", ALL],
    ] as const) {
      const response = await ask(caller, `${path}?${query}`);
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({ type: "invalid_request_error", param });
    }
  });

  it("is in the log under its own name", async () => {
    const response = await ask("boss", `${OWN}?${NOVEMBER}`);
    expect(await proof().lineOf(response)).toMatchObject({
      operation: "usage",
      status: 200,
      workspace: ours,
    });
  });
});

// Last in the file: until it is over there is no usage.
describe("a database without usage", () => {
  it("is a 503", async () => {
    await proof().database.prepare("ALTER TABLE usage_hours RENAME TO lost").run();
    const response = await ask("boss", OWN);
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("store_unavailable");
    await proof().database.prepare("ALTER TABLE lost RENAME TO usage_hours").run();
    expect((await ask("boss", OWN)).status).toBe(200);
  });
});
