import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { adminOf, errorOf } from "./admin.ts";
import { type ControlledEngine, startControlledOllama, startControlledVllm } from "./controlled-engines.ts";
import { type Proof, startProof } from "./harness.ts";

const LLAMA = "meta-llama/Llama-3.1-8B-Instruct";
let vllm: ControlledEngine;
let ollama: ControlledEngine;
let proof: Proof;
const admin = adminOf(() => proof);

beforeAll(async () => {
  [vllm, ollama] = await Promise.all([startControlledVllm(LLAMA), startControlledOllama()]);
  proof = await startProof([
    { kind: "vllm", id: "gpu", config: { baseUrl: vllm.url } },
    { kind: "ollama", id: "desk", config: { baseUrl: ollama.url } },
    { kind: "openai", id: "plain" },
  ]);
  await proof.fetch(`${proof.url}/ready`);
});
afterAll(async () => {
  await proof?.stop();
  await Promise.all([vllm?.stop(), ollama?.stop()]);
});

type Shown = { state: string; source: string; version: number; engines: { engine: string; name: string }[] };
const shown = async (id: string) => (await (await admin("GET", `/admin/models/${id}`)).json()) as Shown;
const register = (entry: object) => admin("POST", "/admin/models", { capabilities: ["chat"], ...entry });
const tell = (id: string, action: string, engine: string, more: object = {}) =>
  admin("POST", `/admin/models/${id}/${action}`, { engine, ...more });

describe("the models", () => {
  it("that are built in are listed, with who serves them", async () => {
    const list = (await (await admin("GET", "/admin/models")).json()) as { data: (Shown & { id: string })[] };
    expect(list.data.slice(0, 6).map(({ source, version }) => [source, version])).toEqual(
      Array.from({ length: 6 }, () => ["built_in", 0]),
    );
    expect(list.data[0]).toMatchObject({
      id: "llama-3.1-8b-instruct",
      state: "ready",
      engines: [{ engine: "gpu", name: LLAMA }],
      entry: { source: LLAMA, contextLength: 131_072 },
    });
    expect(list.data[1]).toMatchObject({ id: "llama-3.1-70b-instruct", state: "registered", engines: [] });
  });

  it("are registered, changed and removed", async () => {
    const created = await register({ id: "small", aliases: ["tiny"], source: "org/small" });
    expect(created.status).toBe(201);
    expect(created.headers.get("etag")).toBe('"1"');
    expect(await created.json()).toMatchObject({
      id: "small",
      source: "registry",
      state: "registered",
      entry: { aliases: ["tiny"] },
    });
    const patched = await admin("PATCH", "/admin/models/small", { aliases: null, contextLength: 4096 });
    expect(await patched.json()).toMatchObject({ version: 2, entry: { contextLength: 4096 } });
    expect(
      (await admin("PATCH", "/admin/models/small", { format: "gguf" }, { "if-match": '"1"' })).status,
    ).toBe(412);
    expect((await register({ id: "other", aliases: ["tiny"] })).status).toBe(201);
    expect(await (await admin("DELETE", "/admin/models/small")).json()).toMatchObject({ deleted: true });
    expect((await admin("GET", "/admin/models/small")).status).toBe(404);
  });

  it.each<[string, object, status: number, param: string | null]>([
    ["an id that is taken", { id: "other" }, 409, "id"],
    ["another's alias", { id: "thief", aliases: ["tiny"] }, 409, "aliases"],
    ["a built-in model's name", { id: "thief", names: { ollama: ["llama3.1:8b"] } }, 409, "names"],
    ["an id with a slash", { id: "a/b" }, 400, "id"],
    ["an id with a meaning", { id: "default" }, 400, "id"],
    ["an alias with a meaning", { id: "x", aliases: ["capability:chat"] }, 400, "aliases[0]"],
    ["no capability", { id: "x", capabilities: [] }, 400, "capabilities"],
    ["a kind that there is not", { id: "x", engineKinds: ["magic"] }, 400, "engineKinds[0]"],
    ["a member that there is not", { id: "x", colour: 1 }, 400, null],
    ["half a price", { id: "x", price: { inputPerMillion: 1 } }, 400, "price.outputPerMillion"],
    [
      "a price of ten decimals",
      { id: "x", price: { inputPerMillion: 0.0000000001, outputPerMillion: 1 } },
      400,
      "price.inputPerMillion",
    ],
  ])("are refused with %s", async (_, entry, status, param) => {
    const response = await register(entry);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).param).toBe(param);
  });

  it("that are served are not removed, and those that are built in never", async () => {
    expect(
      (await admin("PATCH", "/admin/models/llama-3.1-8b-instruct", { contextLength: 8192 })).status,
    ).toBe(200);
    expect(await shown("llama-3.1-8b-instruct")).toMatchObject({ source: "registry", version: 1 });
    const served = await admin("DELETE", "/admin/models/llama-3.1-8b-instruct");
    expect(served.status).toBe(409);
    expect((await errorOf(served)).message).toMatch(/being served/);
    const builtIn = await admin("DELETE", "/admin/models/qwen2.5-72b-instruct");
    expect((await errorOf(builtIn)).message).toMatch(/built in/);
  });

  it("have a price, those that are built in too, which is changed in parts and removed", async () => {
    const id = "/admin/models/qwen2.5-72b-instruct";
    const priceAfter = async (price: unknown) => {
      const patched = await admin("PATCH", id, { price });
      expect(patched.status).toBe(200);
      return ((await patched.json()) as { entry: { price?: unknown } }).entry.price;
    };
    const price = { inputPerMillion: 0.9, outputPerMillion: 1.2 };
    expect(await priceAfter({ ...price, perGpuSecond: 0.001 })).toEqual({ ...price, perGpuSecond: 0.001 });
    expect(await priceAfter({ perGpuSecond: null, cachedInputPerMillion: 0.000000001 })).toEqual({
      ...price,
      cachedInputPerMillion: 0.000000001,
    });
    expect((await admin("PATCH", id, { price: { inputPerMillion: null } })).status).toBe(400);
    expect(await priceAfter(null)).toBe(undefined);
  });

  it("that are retired stay so until they are restored", async () => {
    const id = "/admin/models/mistral-7b-instruct-v0.3";
    expect(await (await admin("PATCH", id, { wish: "retire" })).json()).toMatchObject({ state: "retired" });
    const load = await tell("mistral-7b-instruct-v0.3", "pull", "desk");
    expect(load.status).toBe(409);
    expect((await errorOf(load)).message).toMatch(/retired cannot be loaded/);
    expect(await (await admin("PATCH", id, { wish: null })).json()).toMatchObject({ state: "registered" });
    // With its entry removed the built-in one is back.
    expect((await admin("DELETE", id)).status).toBe(200);
    expect(await shown("mistral-7b-instruct-v0.3")).toMatchObject({ source: "built_in", version: 0 });
  });
});

describe("an adapter on vLLM", () => {
  it("is loaded, served, and unloaded", async () => {
    await register({ id: "support", format: "lora", source: "/adapters/support" });
    const loaded = await tell("support", "load", "gpu");
    expect(await loaded.json()).toEqual({
      object: "model.action",
      action: "load",
      model: "support",
      engine: "gpu",
      name: "support",
      message: "Success: LoRA adapter 'support' changed.",
    });
    expect(vllm.told.at(-1)).toBe(
      '/v1/load_lora_adapter {"lora_name":"support","lora_path":"/adapters/support"}',
    );
    expect(await shown("support")).toMatchObject({ state: "ready", engines: [{ engine: "gpu" }] });
    expect((await admin("DELETE", "/admin/models/support")).status).toBe(409);
    expect((await tell("support", "unload", "gpu")).status).toBe(200);
    expect(await shown("support")).toMatchObject({ state: "registered", engines: [] });
    expect((await admin("DELETE", "/admin/models/support")).status).toBe(200);
  });

  it("that is not there is a 404 in the engine's words", async () => {
    await register({ id: "lost", format: "lora", source: "/adapters/missing" });
    const response = await tell("lost", "load", "gpu");
    expect(response.status).toBe(404);
    expect((await errorOf(response)).message).toMatch(/No adapter found for lost/);
    // Nothing of it stays behind.
    expect(await shown("lost")).toMatchObject({ state: "registered" });
  });
});

describe("what an engine cannot do", () => {
  it.each<[string, id: string, action: string, engine: string, status: number, says: RegExp]>([
    ["of its kind", "llama-3.1-8b-instruct", "pull", "gpu", 400, /vLLM cannot be told to pull/],
    ["of any kind", "llama-3.1-8b-instruct", "load", "plain", 400, /cannot be told to load/],
    ["with a whole model", "llama-3.1-8b-instruct", "load", "gpu", 400, /only LoRA adapters/],
    ["as it was started", "llama-3.1-8b-instruct", "sleep", "gpu", 400, /does not offer \/sleep.*flag/],
    ["for its kind", "qwen2.5-72b-instruct", "pull", "desk", 400, /registered for/],
    ["with what is not there", "llama-3.1-8b-instruct", "unload", "nobody", 404, /no engine `nobody`/],
    ["with no model", "constructor", "load", "gpu", 404, /no model `constructor`/],
    ["before it has it", "mistral-7b-instruct-v0.3", "unload", "desk", 409, /registered cannot be unloaded/],
  ])("is refused: %s", async (_, id, action, engine, status, says) => {
    const told = vllm.told.length + ollama.told.length;
    const response = await tell(id, action, engine);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).message).toMatch(says);
    expect(vllm.told.length + ollama.told.length - told).toBe(action === "sleep" ? 1 : 0);
  });

  it.each([{}, { engine: 1 }, { engine: "gpu", stream: true }, { engine: "gpu", force: true }])(
    "is refused: %j",
    async (body) => {
      expect((await admin("POST", "/admin/models/llama-3.1-8b-instruct/load", body)).status).toBe(400);
    },
  );

  it("is a 502 where nobody is there", async () => {
    await admin("POST", "/admin/engines?check=false", {
      id: "away",
      kind: "ollama",
      baseUrl: "http://127.0.0.1:9",
    });
    const response = await tell("llama-3.1-8b-instruct", "pull", "away");
    expect(response.status).toBe(502);
    expect((await errorOf(response)).message).toMatch(/could not be reached/);
  });
});

describe("a pull", () => {
  const pulled = async (name: string, more: object = {}) => {
    await register({ id: `${name}-model`, names: { ollama: [name] } });
    return tell(`${name}-model`, "pull", "desk", more);
  };
  const linesOf = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { finished?: true; error?: string; done: number });

  it("is answered when the model is there", async () => {
    const response = await pulled("steady");
    expect(await response.json()).toMatchObject({ action: "pull", name: "steady", message: "success" });
    expect(await shown("steady-model")).toMatchObject({
      state: "ready",
      engines: [{ engine: "desk", name: "steady" }],
    });
    expect((await tell("steady-model", "load", "desk")).status).toBe(200);
    expect(ollama.told.at(-1)).toBe('/api/generate {"model":"steady","stream":false}');
    expect((await tell("steady-model", "unload", "desk")).status).toBe(200);
    expect(ollama.told.at(-1)).toBe('/api/generate {"model":"steady","stream":false,"keep_alive":0}');
  });

  it("tells its progress line by line where that is asked for, and ends its own log line", async () => {
    const response = await pulled("again", { stream: true });
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = linesOf(await response.text());
    expect(lines.map(({ done }) => done)).toEqual([0, 50, 200, 0]);
    expect(lines.at(-1)).toMatchObject({ status: "success", finished: true });
    expect(await proof.lineOf(response)).toMatchObject({ status: 200, operation: "admin" });
    expect(await shown("again-model")).toMatchObject({ state: "ready" });
  });

  it.each([
    ["unknown", /file does not exist/],
    ["broken", /broke off/],
  ])("that fails says so, streamed or not: %s", async (name, says) => {
    const whole = await pulled(name);
    expect(whole.status).toBe(502);
    expect((await errorOf(whole)).message).toMatch(says);
    const streamed = await tell(`${name}-model`, "pull", "desk", { stream: true });
    const last = linesOf(await streamed.text()).at(-1);
    expect(last?.error).toMatch(says);
    expect(last).not.toHaveProperty("finished");
    expect(await shown(`${name}-model`)).toMatchObject({ state: "registered" });
  });

  it("is one at a time, is loading meanwhile, and ends with the operator who leaves", async () => {
    await register({ id: "endless-model", names: { ollama: ["endless"] } });
    const leaving = new AbortController();
    const response = await fetch(`${proof.url}/admin/models/endless-model/pull`, {
      method: "POST",
      headers: { authorization: `Bearer ${proof.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ engine: "desk", stream: true }),
      signal: leaving.signal,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    expect(await shown("endless-model")).toMatchObject({ state: "loading" });
    const second = await tell("endless-model", "pull", "desk");
    expect(second.status).toBe(409);
    expect((await admin("DELETE", "/admin/models/endless-model")).status).toBe(409);
    leaving.abort();
    await ollama.hungUp;
    await proof.lineOf(response);
    expect(await shown("endless-model")).toMatchObject({ state: "registered" });
  });
});

afterEach(() => {
  const wrong = proof.violations.splice(0);
  if (wrong.length > 0)
    throw new Error(`${wrong.length} violations, among them:\n${wrong.slice(0, 4).join("\n")}`);
});
