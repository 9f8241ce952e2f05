import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import { d1AuditLog } from "./audit.ts";
import { type AuditQuery, auditStatement, d1AuditReader } from "./audit-reader.ts";

const workspaceId = `ws_${"r".repeat(20)}`;
const reader = d1AuditReader(env.DB);
const ACTIONS = ["key.create", "key.rotate", "engine.drain", "keys.other"];

beforeAll(async () => {
  const entries = Array.from({ length: 12 }, (_, at): AuditEntry => ({
    workspaceId,
    actor: { kind: "key", id: `key_${at % 2}` },
    action: ACTIONS[at % ACTIONS.length] ?? "",
    resource: { type: at % 3 === 0 ? "engine" : "key", id: String(at % 3) },
    outcome: "pass",
    // Two at a time at one moment.
    atMs: Math.floor(at / 2) * 1000,
  }));
  await d1AuditLog(env.DB).append(entries);
});

const find = async (query: Partial<AuditQuery>) =>
  (await reader.find({ workspaceId, limit: 200, ...query })).map(({ seq }) => seq);

describe("a look into the audit log", () => {
  it.each<[string, Partial<AuditQuery>, number[]]>([
    ["gives the newest first", { limit: 3 }, [12, 11, 10]],
    ["goes on before a place", { limit: 3, beforeSeq: 10 }, [9, 8, 7]],
    ["finds an action", { action: "key.rotate" }, [10, 6, 2]],
    ["finds actions that begin so", { action: "key.*" }, [10, 9, 6, 5, 2, 1]],
    ["finds an actor", { actor: "key_1" }, [12, 10, 8, 6, 4, 2]],
    ["finds a resource", { resource: "engine:0" }, [10, 7, 4, 1]],
    ["finds resources that begin so", { resource: "key:*" }, [12, 11, 9, 8, 6, 5, 3, 2]],
    ["finds what fits all", { resource: "key:*", actor: "key_1", action: "key.rotate" }, [6, 2]],
    ["begins at a moment", { fromMs: 4_000 }, [12, 11, 10, 9]],
    ["ends before a moment", { toMs: 2_000 }, [4, 3, 2, 1]],
    ["keeps to a stretch", { fromMs: 1_500, toMs: 3_000, action: "key.*" }, [6, 5]],
    ["finds nothing after all", { fromMs: 60_000 }, []],
    ["finds nothing of others", { workspaceId: "ws_other" }, []],
    ["takes letters of a pattern for themselves", { action: "key_*" }, []],
  ])("%s", async (_, query, seqs) => {
    expect(await find(query)).toEqual(seqs);
  });

  const filters: Partial<AuditQuery>[] = [
    {},
    { action: "key.*" },
    { action: "key.create" },
    { actor: "key_1" },
    { resource: "engine:0" },
    { resource: "key:*", actor: "key_1", action: "key.*", fromMs: 1, toMs: 9_000, beforeSeq: 7 },
  ];
  it.each(filters)("reads no more of the table than an index names: %j", async (query) => {
    const prepared: string[] = [];
    const watched = {
      prepare(text: string) {
        prepared.push(text);
        return env.DB.prepare(text);
      },
    } as unknown as D1Database;
    await auditStatement(watched, { workspaceId, limit: 10, ...query });
    for (const text of prepared) {
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
        .bind(...Array.from({ length: text.split("?").length - 1 }, () => "1"))
        .all<{ detail: string }>();
      expect(results[0]?.detail).toMatch(/^SEARCH audit USING (COVERING )?INDEX \w+ \(workspace_id=\?/);
      expect(results.map(({ detail }) => detail).join()).not.toMatch(/SCAN/);
    }
  });

  it("follows a chain from its beginning, or between two moments", async () => {
    const all = await Array.fromAsync(reader.links(workspaceId));
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
    const some = await Array.fromAsync(reader.links(workspaceId, { fromMs: 1_000, toMs: 3_000 }));
    expect(some.map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
    expect(await reader.head(workspaceId)).toEqual({ seq: 12, hash: all.at(-1)?.hash });
    expect((await reader.head("ws_other")).seq).toBe(0);
  });
});
