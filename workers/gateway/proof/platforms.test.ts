import { describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import { adminOf, errorOf } from "./admin.ts";
import { proofForFile } from "./harness.ts";

const proof = proofForFile([]);
const admin = adminOf(proof);
const PATH = "/api/v1/platforms";
let serial = 0;
const input = (more: object = {}) => ({ name: "Console", slug: `console-${++serial}`, type: "web", ...more });
const created = async (more: object = {}) =>
  (await (await admin("POST", PATH, input(more))).json()) as { id: string; slug: string; version: number };
const auditOf = async (id: string) => {
  const { data } = (await (await admin("GET", `/admin/audit?resource=platform:${id}`)).json()) as {
    data: { action: string; details: object; actor: object; request_id: string }[];
  };
  return data;
};

describe("platforms", () => {
  it("are registered, shown by id and by slug, changed, and removed, and each step is written down", async () => {
    const made = await admin("POST", PATH, input({ capabilities: ["chat"], deployTarget: "eu" }));
    expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
    const platform = (await made.json()) as { id: string; slug: string };
    expect(platform).toMatchObject({
      object: "platform",
      type: "web",
      status: "active",
      capabilities: ["chat"],
      deployTarget: "eu",
      description: null,
      version: 1,
    });
    for (const name of [platform.id, platform.slug]) {
      const shown = await admin("GET", `${PATH}/${name}`);
      expect([shown.status, await shown.json()]).toEqual([200, platform]);
    }
    const patch = { status: "maintenance", deployTarget: null, description: "ours" };
    const changed = await admin("PATCH", `${PATH}/${platform.slug}`, patch, { "if-match": '"1"' });
    expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
    expect(await changed.json()).toMatchObject({
      ...platform,
      ...patch,
      version: 2,
      updatedAtMs: expect.any(Number),
    });
    expect(
      (await admin("PATCH", `${PATH}/${platform.id}`, { status: "maintenance" })).headers.get("etag"),
    ).toBe('"2"');
    expect(await (await admin("DELETE", `${PATH}/${platform.id}`)).json()).toEqual({
      object: "platform",
      id: platform.id,
      deleted: true,
    });
    expect((await admin("GET", `${PATH}/${platform.id}`)).status).toBe(404);
    const written = await auditOf(platform.id);
    expect(written.map(({ action }) => action)).toEqual([
      "platform.delete",
      "platform.update",
      "platform.create",
    ]);
    expect(written[2]).toMatchObject({
      request_id: made.headers.get("x-request-id"),
      actor: { kind: "key" },
    });
    expect(written[1]?.details).toEqual({ changed: ["deployTarget", "description", "status"], version: 2 });
  });

  it("have no slug twice, and nothing is written down of a try", async () => {
    const [one, two] = [await created(), await created()];
    const again = await admin("POST", PATH, input({ slug: one.slug }));
    expect([again.status, await errorOf(again)]).toEqual([409, expect.objectContaining({ param: "slug" })]);
    expect((await admin("PATCH", `${PATH}/${two.id}`, { slug: one.slug })).status).toBe(409);
    expect(await auditOf(two.id)).toHaveLength(1);
  });

  it("are not overwritten by who has read an older version", async () => {
    const { id } = await created();
    await admin("PATCH", `${PATH}/${id}`, { name: "New" });
    for (const method of ["PATCH", "DELETE"]) {
      const late = await admin(method, `${PATH}/${id}`, method === "PATCH" ? { name: "Old" } : undefined, {
        "if-match": '"1"',
      });
      expect([late.status, late.headers.get("etag")]).toEqual([412, '"2"']);
    }
    expect(await (await admin("GET", `${PATH}/${id}`)).json()).toMatchObject({ name: "New" });
  });

  it("lose no change where several change one at once", async () => {
    const { id } = await created();
    const patches = [{ name: "N" }, { description: "D" }, { deployTarget: "T" }];
    const statuses = await Promise.all(
      patches.map(async (patch) => (await admin("PATCH", `${PATH}/${id}`, patch)).status),
    );
    expect(statuses).toEqual([200, 200, 200]);
    expect(await (await admin("GET", `${PATH}/${id}`)).json()).toMatchObject({
      name: "N",
      description: "D",
      deployTarget: "T",
      version: 4,
    });
  });

  it.each<[string, object, string]>([
    ["a slug with a large letter", input({ slug: "Console" }), "slug"],
    ["a slug that ends in a hyphen", input({ slug: "console-" }), "slug"],
    ["a type that there is not", input({ type: "toaster" }), "type"],
    ["a status that there is not", input({ status: "gone" }), "status"],
    ["a capability twice", input({ capabilities: ["chat", "chat"] }), "capabilities"],
    ["no name", input({ name: " " }), "name"],
  ])("are refused with %s", async (_, body, param) => {
    const response = await admin("POST", PATH, body);
    expect([response.status, (await errorOf(response)).param]).toEqual([400, param]);
  });

  it("are listed page by page, by type and status", async () => {
    for (const each of ["a", "b", "c", "d"])
      await created({ slug: `list-${each}`, type: "im", status: each === "d" ? "inactive" : "active" });
    const page = async (query: string) =>
      (await (await admin("GET", `${PATH}?type=im&${query}`)).json()) as {
        data: { slug: string }[];
        hasMore: boolean;
        next: string | null;
      };
    const first = await page("limit=2");
    expect(first).toMatchObject({ hasMore: true, next: "list-b" });
    const second = await page(`limit=2&after=${first.next}`);
    expect(second).toMatchObject({ hasMore: false, next: null });
    expect([...first.data, ...second.data].map(({ slug }) => slug)).toEqual([
      "list-a",
      "list-b",
      "list-c",
      "list-d",
    ]);
    expect((await page("status=inactive")).data.map(({ slug }) => slug)).toEqual(["list-d"]);
    expect((await admin("GET", `${PATH}?kind=im`)).status).toBe(400);
    expect((await admin("GET", `${PATH}?limit=500`)).status).toBe(400);
  });

  it("are changed by operators alone, and read by all", async () => {
    const { database, pepper, key } = proof();
    const others = await createWorkspace(database, "others", Date.now(), { operator: false });
    const stranger = await createKey(database, pepper, {
      workspaceId: others,
      name: "s",
      role: "admin",
      nowMs: Date.now(),
    });
    const { id } = await created();
    for (const each of [key, stranger]) {
      const authorization = `Bearer ${each}`;
      expect((await admin("GET", PATH, undefined, { authorization })).status).toBe(200);
      expect((await admin("GET", `${PATH}/${id}`, undefined, { authorization })).status).toBe(200);
      expect((await admin("POST", PATH, input(), { authorization })).status).toBe(403);
      expect((await admin("PATCH", `${PATH}/${id}`, { name: "x" }, { authorization })).status).toBe(403);
      expect((await admin("DELETE", `${PATH}/${id}`, undefined, { authorization })).status).toBe(403);
    }
    expect((await admin("GET", PATH, undefined, { authorization: "" })).status).toBe(401);
  });
});
