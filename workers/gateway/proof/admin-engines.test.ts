import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { startSimulator } from "../../../engines-infra/simulator/index.ts";
import { adminOf, errorOf } from "./admin.ts";
import { chat, post } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const proof = proofForFile(
  [{ kind: "vllm", config: { apiKey: "in-clear" } }, { kind: "openai", id: "spare" }, { kind: "ollama" }],
  { SPARE_KEY: "a secret", EMPTY_KEY: "" },
);
const admin = adminOf(proof);
const spareUrl = () => proof().sim("spare").url;
const keysSeen = () =>
  proof()
    .sim("spare")
    .seen()
    .requests.map(({ headers }) => headers.authorization);
let serial = 0;
/** A registration that nobody has used yet. */
const registration = (more: object = {}) => ({
  id: `e${++serial}`,
  kind: "openai",
  baseUrl: spareUrl(),
  ...more,
});

describe("the operators' API", () => {
  const paths: [string, string][] = [
    ["GET", "/admin/engines"],
    ["POST", "/admin/engines"],
    ["GET", "/admin/engines/vllm"],
    ["PATCH", "/admin/engines/vllm"],
    ["DELETE", "/admin/engines/vllm"],
    ["POST", "/admin/engines/vllm/drain"],
    ["POST", "/admin/engines/vllm/resume"],
    ["GET", "/admin/models"],
    ["POST", "/admin/models"],
    ["GET", "/admin/models/m"],
    ["PATCH", "/admin/models/m"],
    ["DELETE", "/admin/models/m"],
    ...["pull", "load", "unload", "sleep", "wake"].map((each): [string, string] => [
      "POST",
      `/admin/models/m/${each}`,
    ]),
    ["GET", "/admin/nowhere"],
  ];

  it.each(paths)("is for operators alone: %s %s", async (method, path) => {
    const body = method === "POST" || method === "PATCH" ? "{}" : undefined;
    const developer = await admin(method, path, body, { authorization: `Bearer ${proof().key}` });
    expect(developer.status).toBe(403);
    expect(await errorOf(developer)).toMatchObject({ code: "insufficient_permissions" });
    const nobody = await admin(method, path, body, { authorization: "" });
    expect(nobody.status).toBe(401);
    expect(await errorOf(nobody)).toMatchObject({ code: "missing_api_key" });
  });

  it("says what a path allows, and what there is not", async () => {
    const wrong = await admin("DELETE", "/admin/engines");
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("GET, POST, HEAD");
    const wrongToo = await admin("GET", "/admin/engines/vllm/drain");
    expect(wrongToo.headers.get("allow")).toBe("POST");
    expect((await admin("GET", "/admin/nowhere")).status).toBe(404);
    expect((await admin("GET", "/admin/engines/vllm/nowhere")).status).toBe(404);
  });
});

describe("the engines of the variable", () => {
  it("are listed with what they serve, and no key of theirs is shown", async () => {
    await proof().fetch(`${proof().url}/ready`);
    const list = await (await admin("GET", "/admin/engines")).json();
    expect(list).toMatchObject({
      object: "list",
      data: [
        {
          id: "vllm",
          source: "variable",
          version: 0,
          hasApiKey: true,
          models: [modelOf("vllm")],
          state: { health: "ready", circuit: "closed" },
          createdAtMs: null,
        },
        { id: "spare", hasApiKey: false },
        { id: "ollama" },
      ],
    });
    expect(JSON.stringify(list)).not.toContain("in-clear");
  });

  it.each(["PATCH", "DELETE"])("are not changed here: %s says where", async (method) => {
    const response = await admin(
      method,
      "/admin/engines/vllm",
      method === "PATCH" ? { weight: 1 } : undefined,
    );
    expect(response.status).toBe(409);
    expect((await errorOf(response)).message).toMatch(/variable ENGINES/);
  });

  it("can be drained and resumed, as often as one likes", async () => {
    for (const [action, draining] of [
      ["drain", true],
      ["drain", true],
      ["resume", false],
      ["resume", false],
    ] as const) {
      const response = await admin("POST", `/admin/engines/vllm/${action}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: "vllm", draining });
      expect(await (await admin("GET", "/admin/engines/vllm")).json()).toMatchObject({ draining });
    }
  });
});

// Before any engine is registered that is away: that one might serve a name that nobody knows.
describe("an engine that was registered", () => {
  it("serves from then on, by its models' names and aliases, until it is drained or removed", async () => {
    const engine = await startSimulator({ kind: "openai", models: ["newcomer"] });
    const ask = async (model: string) => (await post(proof(), CHAT, chat(model, "Hello"))).status;
    try {
      expect(await ask("newcomer")).toBe(404);
      const wanted = registration({ baseUrl: engine.url });
      await admin("POST", "/admin/engines", wanted);
      expect(await ask("newcomer")).toBe(200);
      await admin("POST", "/admin/models", {
        id: "fresh",
        aliases: ["new"],
        source: "newcomer",
        capabilities: ["chat"],
      });
      for (const name of ["fresh", "new", "newcomer"]) expect(await ask(name)).toBe(200);
      await admin("POST", `/admin/engines/${wanted.id}/drain`);
      expect(await ask("newcomer")).toBe(503);
      await admin("POST", `/admin/engines/${wanted.id}/resume`);
      expect(await ask("newcomer")).toBe(200);
      await admin("PATCH", "/admin/models/fresh", { wish: "retire" });
      expect(await ask("newcomer")).toBe(404);
      await admin("PATCH", "/admin/models/fresh", { wish: null });
      const served = engine.seen().accepted;
      // Isolates may hold places at it for a while after its last answer.
      expect((await admin("DELETE", `/admin/engines/${wanted.id}?force=true`)).status).toBe(200);
      expect(await ask("newcomer")).toBe(404);
      expect(engine.seen().accepted).toBe(served);
    } finally {
      await engine.stop();
    }
  });
});

describe("registering an engine", () => {
  it("keeps what was said, asks the engine once, and says what it found", async () => {
    const wanted = registration({ weight: 7, region: "eu", circuit: { failuresToOpen: 4 } });
    const response = await admin("POST", "/admin/engines", wanted);
    expect(response.status).toBe(201);
    expect(response.headers.get("etag")).toBe('"1"');
    const created = await response.json();
    expect(created).toMatchObject({
      source: "registry",
      version: 1,
      config: wanted,
      check: { health: "ready", models: [modelOf("spare")], message: "It is ready and lists 1 model." },
    });
    const { check: _, ...lasting } = created as { check: unknown };
    expect(await (await admin("GET", `/admin/engines/${wanted.id}`)).json()).toEqual(lasting);
    const { data } = (await (await admin("GET", "/admin/engines")).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toContain(wanted.id);
  });

  it("asks nothing where nothing is to be asked", async () => {
    proof().sim("spare").reset();
    const response = await admin("POST", "/admin/engines?check=false", registration({ kind: "vllm" }));
    expect(response.status).toBe(201);
    expect(await response.json()).not.toHaveProperty("check");
    expect((await admin("POST", "/admin/engines?check=maybe", registration())).status).toBe(400);
  });

  it.each([
    ["one that is down", { baseUrl: "http://127.0.0.1:9" }, "down", /could not be reached/],
    ["one of another kind", { kind: "ollama" }, "down", /404.*another kind/],
  ])("does not refuse %s, and says so", async (_, more, health, says) => {
    const response = await admin("POST", "/admin/engines", registration(more));
    expect(response.status).toBe(201);
    const { check } = (await response.json()) as { check: { health: string; message: string } };
    expect(check.health).toBe(health);
    expect(check.message).toMatch(says);
  });

  it("says that the key is not the engine's, and that something hangs or redirects", async () => {
    const server = createServer((request, response) => {
      if (request.url?.startsWith("/hang/")) return;
      if (request.url?.startsWith("/away/"))
        return void response.writeHead(302, { location: spareUrl() }).end();
      response.writeHead(401, { "content-type": "application/json" }).end('{"error":"Unauthorized"}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const check = async (more: object) => {
      const response = await admin("POST", "/admin/engines", registration(more));
      return ((await response.json()) as { check: { message: string } }).check.message;
    };
    try {
      expect(await check({ baseUrl: url })).toMatch(/401: the key/);
      expect(await check({ baseUrl: `${url}/away` })).toMatch(/302, a redirect/);
      expect(await check({ baseUrl: `${url}/hang`, connectTimeoutMs: 150 })).toMatch(/within 0.15 s/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("knows a secret that is set, and shows a key in clear to nobody", async () => {
    const named = await admin("POST", "/admin/engines", registration({ apiKeySecret: "SPARE_KEY" }));
    expect(named.status).toBe(201);
    expect(keysSeen()).toContain("Bearer a secret");
    const text = await (
      await admin("POST", "/admin/engines", registration({ apiKey: "sk-clear-text" }))
    ).text();
    expect(JSON.parse(text)).toMatchObject({ hasApiKey: true });
    expect(text).not.toContain("sk-clear-text");
    expect(await (await admin("GET", "/admin/engines")).text()).not.toContain("sk-clear-text");
    expect(JSON.stringify(proof().lines)).not.toContain("sk-clear-text");
  });

  it.each<[string, object, param: string | null]>([
    ["a member that there is not", { colour: "red" }, null],
    ["no kind", { kind: undefined }, "kind"],
    ["a kind that there is not", { kind: "magic" }, "kind"],
    ["an id in capitals", { id: "GPU" }, "id"],
    ["no address", { baseUrl: "gpu" }, "baseUrl"],
    ["credentials in the address", { baseUrl: "http://u:p@127.0.0.1" }, "baseUrl"],
    ["the address of a metadata service", { baseUrl: "http://169.254.169.254" }, "baseUrl"],
    ["a weight below 0", { weight: -1 }, "weight"],
    [
      "a circuit that rests longer than its longest rest",
      { circuit: { openMs: 500, openMsMax: 400 } },
      "circuit.openMsMax",
    ],
    ["a secret that is not set", { apiKeySecret: "NO_SUCH_KEY" }, "apiKeySecret"],
    ["a secret that is empty", { apiKeySecret: "EMPTY_KEY" }, "apiKeySecret"],
    ["a secret of the platform's", { apiKeySecret: "KEY_PEPPER" }, "apiKeySecret"],
    ["a binding that is no secret", { apiKeySecret: "DB" }, "apiKeySecret"],
    [
      "half an Access token",
      { access: { clientIdSecret: "SPARE_KEY", clientSecretSecret: "NO_SUCH_KEY" } },
      "access.clientSecretSecret",
    ],
  ])("refuses %s", async (_, more, param) => {
    const response = await admin("POST", "/admin/engines", registration(more));
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ param, type: "invalid_request_error" });
  });

  it.each<[string, string]>([
    ["not JSON", "{"],
    ["a list", "[]"],
  ])("refuses a body that is %s", async (_, body) => {
    expect((await admin("POST", "/admin/engines", body)).status).toBe(400);
  });

  it.each(["vllm", "taken"])("refuses an id that is taken: %s", async (id) => {
    if (id === "taken")
      expect((await admin("POST", "/admin/engines", registration({ id }))).status).toBe(201);
    const response = await admin("POST", "/admin/engines", registration({ id }));
    expect(response.status).toBe(409);
    expect(await errorOf(response)).toMatchObject({ code: "conflict", param: "id" });
  });
});

describe("changing an engine", () => {
  const created = async (more: object = {}) => {
    const wanted = registration(more);
    await admin("POST", "/admin/engines?check=false", wanted);
    return `/admin/engines/${wanted.id}`;
  };

  it("changes what is named, removes what is null, and leaves the rest", async () => {
    const path = await created({ weight: 7, region: "eu", labels: { rack: "1", row: "2" } });
    const response = await admin("PATCH", `${path}?check=false`, {
      weight: 9,
      region: null,
      labels: { row: null },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("etag")).toBe('"2"');
    const { config, version } = (await response.json()) as { config: object; version: number };
    expect(config).toMatchObject({ weight: 9, labels: { rack: "1" } });
    expect(config).not.toHaveProperty("region");
    expect(version).toBe(2);
  });

  it("keeps a key in clear that it does not show", async () => {
    const path = await created({ apiKey: "kept" });
    expect(await (await admin("PATCH", path, { weight: 1 })).json()).toMatchObject({ hasApiKey: true });
    expect(keysSeen()).toContain("Bearer kept");
  });

  it.each<[string, object]>([
    ["id", { id: "other" }],
    ["kind", { kind: "vllm" }],
    ["baseUrl", { baseUrl: null }],
    ["baseUrl", { baseUrl: "http://169.254.169.254" }],
    ["weight", { weight: 1001 }],
    ["apiKeySecret", { apiKeySecret: "NO_SUCH_KEY" }],
  ])("refuses what would be no registration: %s", async (_, patch) => {
    const path = await created();
    expect((await admin("PATCH", path, patch)).status).toBe(400);
    expect(await (await admin("GET", path)).json()).toMatchObject({ version: 1 });
  });

  it("refuses to overwrite what the operator has not read", async () => {
    const path = await created();
    const first = await admin("PATCH", path, { weight: 1 }, { "if-match": '"1"' });
    expect(first.status).toBe(200);
    const late = await admin("PATCH", path, { weight: 2 }, { "if-match": '"1"' });
    expect(late.status).toBe(412);
    expect(late.headers.get("etag")).toBe('"2"');
    expect(await errorOf(late)).toMatchObject({ code: "precondition_failed" });
    expect((await admin("DELETE", path, undefined, { "if-match": '"1"' })).status).toBe(412);
    expect((await admin("PATCH", path, { weight: 2 }, { "if-match": "soon" })).status).toBe(400);
    expect(await (await admin("GET", path)).json()).toMatchObject({ config: { weight: 1 } });
  });

  it("loses nothing where several change it at once", async () => {
    const path = await created();
    const labels = Array.from({ length: 5 }, (_, at) => `l${at}`);
    const answers = await Promise.all(
      labels.map((label) => admin("PATCH", `${path}?check=false`, { labels: { [label]: "x" } })),
    );
    const done = answers.filter(({ status }) => status === 200).length;
    // Whoever was overtaken too often is told so.
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const { config, version } = (await (await admin("GET", path)).json()) as {
      config: { labels: object };
      version: number;
    };
    expect(Object.keys(config.labels)).toHaveLength(done);
    expect(version).toBe(1 + done);
  });
});

describe("removing an engine", () => {
  it("forgets it, and its id is free again", async () => {
    const wanted = registration();
    await admin("POST", "/admin/engines?check=false", wanted);
    await admin("POST", `/admin/engines/${wanted.id}/drain`);
    const response = await admin("DELETE", `/admin/engines/${wanted.id}`);
    expect(await response.json()).toEqual({ object: "engine", id: wanted.id, deleted: true });
    for (const method of ["GET", "DELETE"])
      expect((await admin(method, `/admin/engines/${wanted.id}`)).status).toBe(404);
    const again = await admin("POST", "/admin/engines?check=false", wanted);
    expect(await again.json()).toMatchObject({ version: 1, draining: false });
  });

  it.each(["GET", "PATCH", "DELETE"])("of an id that there is not is a 404: %s", async (method) => {
    const response = await admin(method, "/admin/engines/constructor", method === "PATCH" ? {} : undefined);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({
      code: "not_found",
      message: expect.stringContaining("engine"),
    });
  });
});

// Last in the file: after it the database has no registry any more.
describe("a database out of reach", () => {
  it("is a 503, and nothing is half done", async () => {
    await proof().database.prepare("ALTER TABLE engines RENAME TO lost").run();
    for (const [method, path, body] of [
      ["GET", "/admin/engines", undefined],
      ["POST", "/admin/engines?check=false", registration()],
      ["POST", "/admin/engines/vllm/drain", undefined],
    ] as const) {
      const response = await admin(method, path, body);
      expect(response.status).toBe(503);
      expect(await errorOf(response)).toMatchObject({ code: "store_unavailable" });
    }
    await proof().database.prepare("ALTER TABLE lost RENAME TO engines").run();
    expect(await (await admin("GET", "/admin/engines/vllm")).json()).toMatchObject({ draining: false });
  });
});
