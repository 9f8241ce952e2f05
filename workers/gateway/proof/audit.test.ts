import { beforeAll, describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import { linkOf } from "../../../shared/audit/chain.ts";
import { verify } from "../../../shared/audit/verify.ts";
import { adminOf, errorOf } from "./admin.ts";
import { proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "vllm" }, { kind: "ollama" }]);
const admin = adminOf(proof);
type Shown = {
  seq: number;
  action: string;
  outcome: string;
  actor: { kind: string; id: string };
  resource: { type: string; id: string };
  request_id?: string;
  details?: Record<string, unknown>;
};
type Page = { data: Shown[]; hasMore: boolean; next: number | null };
const read = async (query = "", headers = {}): Promise<Page> =>
  (await (await admin("GET", `/admin/audit${query}`, undefined, headers)).json()) as Page;
const newest = async (query: string) => (await read(query)).data[0];
const exported = async (query = "") => (await admin("GET", `/admin/audit/export${query}`)).text();
const verifyText = (text: string) =>
  verify(
    text
      .trimEnd()
      .split("\n")
      .map((line) => linkOf(line)),
  );
const strangersKey = async (role: "admin" | "developer" = "admin") => {
  const { database, pepper } = proof();
  const workspaceId = await createWorkspace(database, "stranger", Date.now(), { operator: false });
  const key = await createKey(database, pepper, { workspaceId, name: role, role, nowMs: Date.now() });
  return { workspaceId, authorization: `Bearer ${key}` };
};

describe("what operators do", () => {
  it("is written down: engines", async () => {
    const config = {
      id: "extra",
      kind: "openai",
      baseUrl: proof().sim("vllm").url,
      apiKey: "a very secret key",
    };
    const made = await admin("POST", "/admin/engines?check=false", config);
    expect(await newest("?resource=engine:extra")).toMatchObject({
      action: "engine.create",
      outcome: "pass",
      actor: { kind: "key", id: expect.stringMatching(/^key_/) },
      request_id: made.headers.get("x-request-id"),
      details: { kind: "openai" },
    });
    await admin("PATCH", "/admin/engines/extra?check=false", { weight: 3, apiKey: "another secret" });
    expect((await newest("?action=engine.update"))?.details).toEqual({ changed: ["apiKey", "weight"] });
    // What changes nothing is no change.
    await admin("PATCH", "/admin/engines/extra?check=false", { weight: 3 });
    await admin("POST", "/admin/engines/extra/drain");
    await admin("POST", "/admin/engines/extra/drain");
    await admin("POST", "/admin/engines/extra/resume");
    await admin("DELETE", "/admin/engines/extra");
    const { data } = await read("?resource=engine:extra");
    const byPeople = data.filter(({ actor }) => actor.kind === "key").map(({ action }) => action);
    expect(byPeople).toEqual([
      "engine.delete",
      "engine.resume",
      "engine.drain",
      "engine.update",
      "engine.create",
    ]);
    expect(await exported()).not.toMatch(/secret/);
  });

  it("is written down: models, and what engines do with them", async () => {
    await admin("POST", "/admin/models", { id: "m-1", capabilities: ["chat"], names: { ollama: ["m-1"] } });
    await admin("PATCH", "/admin/models/m-1", { contextLength: 4096 });
    const pulled = await admin("POST", "/admin/models/m-1/pull", { engine: "ollama" });
    const pull = await newest("?action=model.pull");
    expect(pull).toMatchObject({
      resource: { type: "model", id: "m-1" },
      outcome: pulled.ok ? "pass" : "fail",
      details: { engine: "ollama" },
    });
    expect((await read("?resource=model:m-1&action=model.")).data.map(({ action }) => action)).toEqual([
      "model.pull",
      "model.update",
      "model.create",
    ]);
  });

  it("is written down: what objects are told, and what their engines do then", async () => {
    await admin("POST", "/admin/objects/engine/vllm/force-open");
    expect(await newest("?action=object.")).toMatchObject({
      action: "object.force-open",
      resource: { type: "engine", id: "vllm" },
      outcome: "pass",
    });
    await admin("POST", "/admin/objects/engine/vllm/reset");
    await expect
      .poll(async () => (await read("?action=engine.circuit")).data.map(({ details }) => details?.to))
      .toEqual(expect.arrayContaining(["open", "closed"]));
    expect(await newest("?actor=fleet")).toMatchObject({
      actor: { kind: "system", id: "fleet" },
      resource: { type: "engine", id: "vllm" },
    });
    expect((await admin("POST", "/admin/objects/engine/vllm/nonsense")).status).toBe(404);
    expect((await read("?action=object.nonsense")).data).toEqual([]);
  });

  it("is written down where it was refused, once for many tries, and not where nobody is known", async () => {
    const { workspaceId, authorization } = await strangersKey();
    for (let at = 0; at < 3; at++)
      expect((await admin("GET", "/admin/engines", undefined, { authorization })).status).toBe(403);
    await admin("GET", "/admin/engines", undefined, { authorization: "" });
    await expect
      .poll(async () => (await read(`?workspace=${workspaceId}`)).data)
      .toMatchObject([
        {
          action: "access.refuse",
          outcome: "denied",
          resource: { type: "route", id: "GET /admin/engines" },
          details: { permission: "engines:manage" },
        },
      ]);
  });
});

describe("the audit log over HTTP", () => {
  it("is read page by page, the newest first, between two times", async () => {
    const all = await read("?limit=200");
    expect(all.hasMore).toBe(false);
    const seqs = all.data.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
    const first = await read("?limit=2");
    expect(first).toMatchObject({ hasMore: true, next: seqs[1] });
    expect((await read(`?limit=2&before=${first.next}`)).data.map(({ seq }) => seq)).toEqual(
      seqs.slice(2, 4),
    );
    expect((await read("?from=2020-01-01&to=2021-01-01T00:00:00Z")).data).toEqual([]);
    expect((await read("?from=2020-01-01")).data).toHaveLength(Math.min(50, seqs.length));
  });

  it.each(["?from=yesterday", "?limit=201", "?limit=0", "?before=x", "?nonsense=1", "?workspace=mine"])(
    "refuses what it cannot look for: %s",
    async (query) => {
      const response = await admin("GET", `/admin/audit${query}`);
      expect([response.status, (await errorOf(response)).type]).toEqual([400, "invalid_request_error"]);
    },
  );

  it("shows a workspace's own records to its admins, and those of others to operators alone", async () => {
    const { workspaceId, authorization } = await strangersKey();
    const own = await admin("GET", "/admin/audit", undefined, { authorization });
    expect([own.status, ((await own.json()) as Page).data]).toEqual([200, []]);
    for (const path of ["/admin/audit", "/admin/audit/export", "/admin/audit/verify"]) {
      const other = await admin("GET", `${path}?workspace=${proof().workspaceId}`, undefined, {
        authorization,
      });
      expect(other.status).toBe(403);
      expect((await admin("GET", `${path}?workspace=${workspaceId}`)).status).toBe(200);
    }
    const developer = await strangersKey("developer");
    for (const path of ["/admin/audit", "/admin/audit/export", "/admin/audit/verify"])
      expect((await admin("GET", path, undefined, { authorization: developer.authorization })).status).toBe(
        403,
      );
  });

  it("is exported whole, in parts, and verified without the platform", async () => {
    const response = await admin("GET", "/admin/audit/export");
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const verdict = await verifyText(await response.text());
    expect(verdict.ok).toBe(true);
    expect(response.headers.get("x-eco-audit-head")).toBe(`${verdict.head.seq}:${verdict.head.hash}`);
    expect(await (await admin("GET", "/admin/audit/verify")).json()).toMatchObject({
      object: "audit.verification",
      workspace: proof().workspaceId,
      ok: true,
      records: verdict.records,
      head: verdict.head,
    });
    expect(await exported("?to=2020-01-01")).toBe("");
  });
});

describe("a record that was tampered with", () => {
  beforeAll(async () => {
    for (let at = 0; at < 3; at++) await admin("POST", "/admin/objects/engine/vllm/probe");
  });

  it("is found by the platform, and in what it exports", async () => {
    const { database, workspaceId } = proof();
    // Who can do this has the database: the chain is there for that case.
    await database.prepare("DROP TRIGGER audit_no_update").run();
    await database
      .prepare("UPDATE audit SET record = replace(record, 'pass', 'fail') WHERE workspace_id = ? AND seq = 2")
      .bind(workspaceId)
      .run();
    const firstBad = { index: 1, seq: 2, reason: "altered" };
    expect(await (await admin("GET", "/admin/audit/verify")).json()).toMatchObject({
      ok: false,
      records: 1,
      firstBad,
    });
    expect(await verifyText(await exported())).toMatchObject({ ok: false, firstBad });
  });

  it("is found where it is not there any more", async () => {
    const { database, workspaceId } = proof();
    await database.prepare("DROP TRIGGER audit_no_delete").run();
    await database.prepare("DELETE FROM audit WHERE workspace_id = ? AND seq = 2").bind(workspaceId).run();
    const firstBad = { index: 1, seq: 2, reason: "missing" };
    expect(await (await admin("GET", "/admin/audit/verify")).json()).toMatchObject({ ok: false, firstBad });
    expect(await verifyText(await exported())).toMatchObject({ ok: false, firstBad });
  });
});
