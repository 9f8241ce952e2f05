import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { ModelEntry } from "../../../shared/contracts/admin-models.ts";
import { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import { ok } from "../../../shared/kernel/result.ts";
import { ACTION_MS_MAX } from "../../../shared/models/lifecycle.ts";
import { EMPTY_REGISTRY, type RegistryWrite } from "../../../shared/models/snapshot.ts";
import { d1ModelActions } from "./model-actions.ts";
import { type Decide, d1Registry, loadRegistry } from "./registry.ts";

const NOW_MS = 1_800_000_000_000;
const engine = (id: string, more: object = {}): EngineConfig =>
  EngineConfig.parse({ id, kind: "vllm", baseUrl: "https://gpu.example.com", ...more });
const model = (id: string, more: object = {}): ModelEntry =>
  ModelEntry.parse({ id, capabilities: ["chat"], ...more });
const store = d1Registry(env.DB);
const write = (...writes: RegistryWrite[]) => store.change(() => ok(writes), NOW_MS);

beforeEach(async () => {
  const tables = ["model_aliases", "models", "engines", "drained_engines", "model_actions", "registry"];
  await env.DB.batch(tables.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

describe("a registry", () => {
  it("is empty, and at version 0, before anybody registers anything", async () => {
    expect(await loadRegistry(env.DB)).toEqual(EMPTY_REGISTRY);
  });

  it("gives back what was put into it, and goes one version on with every change", async () => {
    const full = engine("gpu-1", {
      apiKeySecret: "GPU_KEY",
      models: ["a"],
      weight: 0,
      region: "eu",
      circuit: { failuresToOpen: 2 },
      modelTimeouts: { a: { idleTimeoutMs: 1000 } },
      labels: { rack: "7" },
    });
    const entry = model("m", {
      source: "org/m",
      aliases: ["b", "a"],
      names: { ollama: ["m:8b"] },
      engineKinds: ["vllm"],
      contextLength: 4096,
      parametersB: 0.5,
      format: "gguf",
      wish: "retire",
      price: {
        inputPerMillion: 0.15,
        cachedInputPerMillion: 0.075,
        outputPerMillion: 0.6,
        perGpuSecond: 0.001,
      },
    });
    await write({ type: "put_engine", config: full });
    const changed = await write({ type: "put_model", entry }, { type: "drain_engine", id: "gpu-1" });
    const stamp = { version: 1, createdAtMs: NOW_MS, updatedAtMs: NOW_MS };
    expect(changed).toEqual({
      ok: true,
      value: {
        version: 2,
        engines: [full],
        drained: ["gpu-1"],
        models: [{ ...entry, aliases: ["a", "b"] }],
        engineStamps: new Map([["gpu-1", stamp]]),
        modelStamps: new Map([["m", stamp]]),
        unreadable: [],
      },
    });
    expect(changed).toEqual(ok(await loadRegistry(env.DB)));
  });

  it("counts the versions of what is changed, and keeps when it was made", async () => {
    await write({ type: "put_engine", config: engine("a") });
    const changed = await store.change(
      () => ok([{ type: "put_engine", config: engine("a", { weight: 5 }) }]),
      NOW_MS + 9,
    );
    expect(changed.ok && changed.value.engineStamps.get("a")).toEqual({
      version: 2,
      createdAtMs: NOW_MS,
      updatedAtMs: NOW_MS + 9,
    });
  });

  it("removes an engine with its mark, and a model with its aliases", async () => {
    await write(
      { type: "put_engine", config: engine("a") },
      { type: "drain_engine", id: "a" },
      { type: "drain_engine", id: "elsewhere" },
      { type: "put_model", entry: model("m", { aliases: ["x"] }) },
      { type: "put_model", entry: model("n", { aliases: ["y", "z"] }) },
      { type: "put_model", entry: model("n", { aliases: ["z"] }) },
    );
    const changed = await write({ type: "delete_engine", id: "a" }, { type: "delete_model", id: "m" });
    expect(changed.ok && changed.value).toMatchObject({
      engines: [],
      drained: ["elsewhere"],
      models: [{ id: "n", aliases: ["z"] }],
    });
    expect((await write({ type: "put_model", entry: model("o", { aliases: ["x", "y"] }) })).ok).toBe(true);
    const resumed = await write({ type: "resume_engine", id: "elsewhere" });
    expect(resumed.ok && resumed.value.drained).toEqual([]);
  });

  it("stays as it is where nothing is to be changed, or nothing may be", async () => {
    await write({ type: "put_engine", config: engine("a") });
    expect(await write()).toMatchObject({ ok: true, value: { version: 1 } });
    const refused = await store.change(() => ({ ok: false, error: { kind: "internal" } }), NOW_MS);
    expect(refused).toEqual({ ok: false, error: { kind: "internal" } });
    expect((await loadRegistry(env.DB)).version).toBe(1);
  });

  it("is changed wholly or not at all", async () => {
    await write({ type: "put_model", entry: model("m", { aliases: ["x"] }) });
    const failing = write(
      { type: "put_engine", config: engine("a") },
      { type: "put_model", entry: model("n", { aliases: ["x"] }) },
    );
    await expect(failing).rejects.toThrow(/model_aliases|Failed query/);
    expect(await loadRegistry(env.DB)).toMatchObject({ version: 1, engines: [] });
  });

  it("leaves out what it cannot read, and names it", async () => {
    await write({ type: "put_engine", config: engine("a") }, { type: "put_engine", config: engine("b") });
    await env.DB.prepare("UPDATE engines SET kind = 'of-tomorrow' WHERE id = 'b'").run();
    expect(await loadRegistry(env.DB)).toMatchObject({ engines: [{ id: "a" }], unreadable: ["b"] });
  });
});

describe("operators who change the registry at the same time", () => {
  it("lose nothing to each other", async () => {
    const ids = Array.from({ length: 4 }, (_, at) => `e${at}`);
    const seen: number[] = [];
    const add =
      (id: string): Decide =>
      (now) => {
        seen.push(now.version);
        return ok([{ type: "put_engine", config: engine(id) }]);
      };
    const results = await Promise.all(ids.map((id) => store.change(add(id), NOW_MS)));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(await loadRegistry(env.DB)).toMatchObject({ version: 4, engines: ids.map((id) => ({ id })) });
    // At least one of them had to decide anew: otherwise they did not meet.
    expect(seen.length).toBeGreaterThan(ids.length);
  });

  it.each([0, 3])("decide again on what is there then, from version %i", async (before) => {
    for (let at = 0; at < before; at++) await write({ type: "put_engine", config: engine(`old-${at}`) });
    const seen: number[] = [];
    let overtaken = false;
    const other = d1Registry(env.DB);
    const original = env.DB.batch.bind(env.DB);
    // Another operator is faster, between the reading and the writing of the first.
    const slow = new Proxy(env.DB, {
      get(target, name) {
        if (name !== "batch") {
          const member: unknown = Reflect.get(target, name);
          return typeof member === "function" ? member.bind(target) : member;
        }
        return async (statements: D1PreparedStatement[]) => {
          const reading = statements.length === 5;
          if (!reading && !overtaken) {
            overtaken = true;
            await other.change(() => ok([{ type: "put_engine", config: engine("fast") }]), NOW_MS);
          }
          return original(statements);
        };
      },
    });
    const changed = await d1Registry(slow).change((now) => {
      seen.push(now.version);
      return ok([{ type: "put_engine", config: engine("slow") }]);
    }, NOW_MS);
    expect(seen).toEqual([before, before + 1]);
    expect(changed.ok && changed.value.version).toBe(before + 2);
    expect(changed.ok && changed.value.engines.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["fast", "slow"]),
    );
  });
});

describe("what an engine is told to do with a model", () => {
  const actions = d1ModelActions(env.DB);
  const load = (startedAtMs: number) => ({ engine: "a", action: "load" as const, startedAtMs });

  it("is one thing at a time, for each engine", async () => {
    expect(await actions.begin("m", load(0))).toBe(true);
    expect(await actions.begin("m", load(1))).toBe(false);
    expect(await actions.begin("m", { ...load(1), engine: "b" })).toBe(true);
    expect(await actions.begin("n", load(1))).toBe(true);
    await actions.end("m", load(0));
    expect(await actions.begin("m", load(2))).toBe(true);
    expect((await actions.running(3)).get("m")).toEqual([{ ...load(1), engine: "b" }, load(2)]);
  });

  it("is given up after a time, and its late end ends no other", async () => {
    await actions.begin("m", load(0));
    expect((await actions.running(ACTION_MS_MAX)).get("m")).toEqual([]);
    expect(await actions.begin("m", load(ACTION_MS_MAX))).toBe(true);
    await actions.end("m", load(0));
    expect((await actions.running(ACTION_MS_MAX)).get("m")).toEqual([load(ACTION_MS_MAX)]);
  });
});
