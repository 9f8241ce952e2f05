import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, describe, expect, it } from "vitest";
import { USAGE_GROUPS, type UsageGroup } from "../../../shared/contracts/usage.ts";
import type { UsageQuery } from "../../../shared/usage/query.ts";
import { apiKeys, workspaces } from "./schema.ts";
import { d1Usage } from "./usage-query.ts";
import { type UsageScope, keyStatement, usageStatements } from "./usage-statements.ts";
import { type UsageRow, writeUsage } from "./usage.ts";

const db = drizzle(env.DB);
const store = d1Usage(env.DB);
const ws = (letter: string) => `ws_${letter.repeat(20)}`;
const key = (letter: string) => `key_${letter.repeat(20)}`;
const user = (letter: string) => `usr_${letter.repeat(20)}`;
const hourOf = (time: string) => Date.parse(time) / 3_600_000;

const row = (time: string, workspace: string, keyOf: string, more: Partial<UsageRow> = {}): UsageRow => ({
  workspaceId: workspace,
  hour: hourOf(time),
  keyId: keyOf,
  model: "m",
  engine: "gpu-1",
  requests: 1,
  estimated: 0,
  promptTokens: 10,
  cachedTokens: 4,
  completionTokens: 5,
  reasoningTokens: 2,
  costNano: 1_000_000_001,
  queueMs: 3,
  engineMs: 40,
  overheadMs: 2,
  ...more,
});

const ROWS = [
  row("2026-10-31T23:00:00Z", ws("a"), key("a")),
  row("2026-11-01T00:00:00Z", ws("a"), key("a"), { model: "n", requests: 3, estimated: 1 }),
  row("2026-11-01T00:00:00Z", ws("a"), key("b"), { engine: "gpu-2" }),
  row("2026-11-01T23:00:00Z", ws("a"), key("b")),
  row("2026-11-02T00:00:00Z", ws("a"), user("a")),
  row("2026-11-02T05:00:00Z", ws("b"), key("c"), { costNano: 2 ** 53 - 1 }),
  row("2026-11-02T06:00:00Z", ws("b"), key("c"), { costNano: 2 ** 53 - 1 }),
];

const query = (more: Partial<UsageQuery> = {}): UsageQuery => ({
  fromHour: hourOf("2026-10-01T00:00:00Z"),
  toHour: hourOf("2026-12-01T00:00:00Z"),
  groups: ["day"],
  only: {},
  limit: 100,
  ...more,
});

beforeAll(async () => {
  await db
    .insert(workspaces)
    .values(["a", "b"].map((each) => ({ id: ws(each), name: each, createdAtMs: 0 })));
  const made = (letter: string, workspaceId: string, createdBy: string | null) => ({
    id: key(letter),
    workspaceId,
    createdBy,
    name: letter,
    role: "developer" as const,
    createdAtMs: 0,
    updatedAtMs: 0,
  });
  await db
    .insert(apiKeys)
    .values([made("a", ws("a"), null), made("b", ws("a"), user("a")), made("c", ws("b"), user("a"))]);
  await writeUsage(env.DB, ROWS);
});

const ALL: UsageScope = {};
const A: UsageScope = { workspaceId: ws("a") };
const KEY_A: UsageScope = { workspaceId: ws("a"), own: { kind: "key", id: key("a") } };
const USER_A: UsageScope = { workspaceId: ws("a"), own: { kind: "user", id: user("a") } };

describe("usage", () => {
  it.each<[string, groups: UsageGroup[], expected: unknown[]]>([
    [
      "hours",
      ["hour"],
      [
        ["2026-10-31T23:00:00Z", 1],
        ["2026-11-01T00:00:00Z", 4],
        ["2026-11-01T23:00:00Z", 1],
        ["2026-11-02T00:00:00Z", 1],
      ],
    ],
    [
      "days of UTC",
      ["day"],
      [
        ["2026-10-31", 1],
        ["2026-11-01", 5],
        ["2026-11-02", 1],
      ],
    ],
    [
      "months of UTC",
      ["month"],
      [
        ["2026-10", 1],
        ["2026-11", 6],
      ],
    ],
    [
      "keys",
      ["key"],
      [
        [key("a"), 4],
        [key("b"), 2],
        [user("a"), 1],
      ],
    ],
    [
      "models",
      ["model"],
      [
        ["m", 4],
        ["n", 3],
      ],
    ],
    [
      "engines in months",
      ["month", "engine"],
      [
        ["2026-10", "gpu-1", 1],
        ["2026-11", "gpu-1", 5],
        ["2026-11", "gpu-2", 1],
      ],
    ],
    ["all together", [], [[7]]],
  ])("is added up by %s", async (_, groups, expected) => {
    const { lines, totals } = await store.find(A, query({ groups }));
    expect(lines.map((line) => [...groups.map((group) => line[group]), line.requests])).toEqual(expected);
    expect(totals.requests).toBe(7);
  });

  it("has all amounts, and their exact cost however large", async () => {
    const { lines, totals } = await store.find(ALL, query({ groups: ["workspace"] }));
    expect(lines).toEqual([
      {
        workspace: ws("a"),
        requests: 7,
        estimatedRequests: 1,
        promptTokens: 50,
        cachedTokens: 20,
        completionTokens: 25,
        reasoningTokens: 10,
        totalTokens: 75,
        cost: "5.000000005",
        queueMs: 15,
        engineMs: 200,
        overheadMs: 10,
      },
      expect.objectContaining({ workspace: ws("b"), requests: 2, cost: "18014398.509481982" }),
    ]);
    expect(totals).toMatchObject({ requests: 9, cost: "18014403.509481987" });
  });

  it("has no lines, and totals of nothing, where nothing was used", async () => {
    const found = await store.find(A, query({ toHour: hourOf("2026-10-02T00:00:00Z") }));
    expect(found).toMatchObject({
      lines: [],
      hasMore: false,
      totals: { requests: 0, totalTokens: 0, cost: "0" },
    });
  });

  it.each<[string, UsageScope, UsageQuery["only"], keys: string[]]>([
    ["all of everybody", ALL, {}, [key("a"), key("b"), key("c"), user("a")]],
    ["a workspace's", A, {}, [key("a"), key("b"), user("a")]],
    ["a key's own", KEY_A, {}, [key("a")]],
    ["a person's own, and of the keys that they made there", USER_A, {}, [key("b"), user("a")]],
    ["one key's", A, { key: key("b") }, [key("b")]],
    ["one key's of another workspace", A, { key: key("c") }, []],
    ["a key of somebody else", KEY_A, { key: key("b") }, []],
    ["a key that a person made", USER_A, { key: key("b") }, [key("b")]],
    ["a key that they did not make", USER_A, { key: key("a") }, []],
    ["a key that they made elsewhere", USER_A, { key: key("c") }, []],
    ["one workspace's, of all", ALL, { workspace: ws("b") }, [key("c")]],
    ["another workspace's", A, { workspace: ws("b") }, []],
    ["a model's", ALL, { model: "n" }, [key("a")]],
    ["an engine's", ALL, { engine: "gpu-2" }, [key("b")]],
  ])("can be %s", async (_, scope, only, keys) => {
    const { lines, totals } = await store.find(scope, query({ groups: ["key"], only }));
    expect(lines.map((line) => line.key)).toEqual(keys);
    expect(totals.requests).toBe(lines.reduce((sum, line) => sum + line.requests, 0));
  });

  it.each<[groups: UsageGroup[]]>([
    [["hour", "key", "model"]],
    [["day", "workspace", "engine"]],
    [["key", "model"]],
    [["month"]],
  ])("by %j is the same in pages as at once", async (groups) => {
    const whole = await store.find(ALL, query({ groups }));
    const paged = [];
    let after: readonly string[] | undefined;
    for (let more = true; more;) {
      const page = await store.find(ALL, query({ groups, limit: 1, ...(after && { after }) }));
      paged.push(...page.lines);
      after = groups.map((group) => page.lines.at(-1)?.[group] ?? "");
      more = page.hasMore;
      expect(page.totals).toEqual(whole.totals);
    }
    expect(paged).toEqual(whole.lines);
  });

  it.each<[string, UsageScope, string, boolean]>([
    ["any, for operators", ALL, key("c"), true],
    ["one that there is not", ALL, key("z"), false],
    ["one of the workspace", A, key("a"), true],
    ["one of another", A, key("c"), false],
    ["itself", KEY_A, key("a"), true],
    ["another", KEY_A, key("b"), false],
    ["one that a person made", USER_A, key("b"), true],
    ["one that they did not make", USER_A, key("a"), false],
    ["themselves", USER_A, user("a"), true],
  ])("knows whose key may be asked for: %s", async (_, scope, id, known) => {
    expect(await store.hasKey(scope, id)).toBe(known);
  });
});

describe("the plan of a query", () => {
  const planOf = async ({ sql, params }: { sql: string; params: unknown[] }) => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail);
  };
  const RANGE = "hour>? AND hour<?";
  const BY_WORKSPACE = `SEARCH usage_hours USING INDEX sqlite_autoindex_usage_hours_1 (workspace_id=? AND ${RANGE})`;
  const BY_KEY = `SEARCH usage_hours USING INDEX usage_hours_key (key_id=? AND ${RANGE})`;
  const BY_HOUR = `SEARCH usage_hours USING INDEX usage_hours_hour (${RANGE})`;
  const filters = [{}, { model: "m" }, { engine: "e" }, { model: "m", engine: "e" }];
  const groupings: UsageGroup[][] = [
    [],
    ...USAGE_GROUPS.map((group) => [group]),
    ["day", "workspace", "key", "model", "engine"],
    ["workspace", "key", "model", "engine"],
  ];

  it.each<[string, UsageScope, UsageQuery["only"], expected: string]>([
    ["everybody's", ALL, {}, BY_HOUR],
    ["one workspace's, of all", ALL, { workspace: ws("a") }, BY_WORKSPACE],
    ["one key's, of all", ALL, { key: key("a") }, BY_KEY],
    ["one key's in a workspace, of all", ALL, { key: key("a"), workspace: ws("a") }, BY_KEY],
    ["a workspace's", A, {}, BY_WORKSPACE],
    ["a workspace's, which is named", A, { workspace: ws("a") }, BY_WORKSPACE],
    ["a key's of a workspace", A, { key: key("a") }, BY_KEY],
    ["a key's own", KEY_A, {}, BY_KEY],
    ["a key's own, which is named", KEY_A, { key: key("a") }, BY_KEY],
    ["a person's", USER_A, {}, BY_KEY],
    ["a key's of a person", USER_A, { key: key("b") }, BY_KEY],
  ])(
    "for %s usage is a range of an index, whatever it is filtered and grouped by",
    async (_, scope, only, expected) => {
      for (const filter of filters)
        for (const groups of groupings)
          for (const after of [undefined, groups.map(() => "2026-11")]) {
            const asked = query({
              groups,
              only: { ...only, ...filter },
              ...(after && groups.length > 0 && { after }),
            });
            const { lines, totals } = usageStatements(db, scope, asked);
            for (const statement of [lines, totals]) {
              const plan = await planOf(statement.toSQL());
              expect(plan).toContain(expected);
              expect(plan.filter((step) => /SCAN (usage_hours|api_keys)/.test(step))).toEqual([]);
            }
          }
    },
  );

  it.each<[string, UsageScope]>([
    ["any", ALL],
    ["a workspace's", A],
    ["a person's", USER_A],
  ])("for %s key is one look-up", async (_, scope) => {
    const [step = ""] = await planOf(keyStatement(db, scope, key("a")).toSQL());
    expect(step).toMatch(/USING (COVERING )?INDEX sqlite_autoindex_api_keys_1 \(id=\?\)/);
  });
});
