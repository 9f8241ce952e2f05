import { existsSync } from "node:fs";
import { mkdir, mkdtemp, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { wiringOnlyGguf } from "../gguf/wiring-only.ts";
import { ggufChunks } from "../gguf/writer.ts";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { npmThatWorks } from "../testing/programs.ts";
import { CHAT_MODEL } from "./catalog.ts";
import { defaultCacheDir } from "./folders.ts";
import { withLock } from "./lock.ts";
import { obtainEmbeddedEngine } from "./obtain.ts";
import { problemOf } from "./problem.ts";
import { obtainRuntime, runtimePackages, thisMachine } from "./runtime.ts";

const folder = temporaryFolder();
const signal = new AbortController().signal;
const log: string[] = [];

async function place() {
  const base = await mkdtemp(join(folder, "place-"));
  const packages = runtimePackages(thisMachine());
  const installDir = join(base, "engine");
  if (packages.ok) {
    await obtainRuntime({
      installDir,
      packages: packages.value,
      progress: quietProgress,
      signal,
      offline: false,
      npm: npmThatWorks(folder),
    });
  }
  return { installDir, cacheDir: join(base, "cache"), fallbackDir: join(base, "state", "models"), base };
}

const obtain = (where: { installDir: string; cacheDir: string; fallbackDir: string }, options: object = {}) =>
  obtainEmbeddedEngine({
    ...where,
    progress: quietProgress,
    log: (line) => void log.push(line),
    signal,
    offline: true,
    ...options,
  });

beforeEach(() => void (log.length = 0));

describe("obtaining the engine", () => {
  it("falls back on the model for trying the wiring, and says so", async () => {
    const where = await place();
    const modelPath = join(where.cacheDir, "models", "wiring-only.gguf");
    expect(await obtain(where)).toEqual({
      ok: true,
      assets: { installDir: where.installDir, modelPath, isWiringOnly: true, embeddingModelPath: undefined },
    });
    expect(existsSync(modelPath)).toBe(true);
    expect(log.join("\n")).toMatch(/wiring-only.*no meaning[^]*ECO_MODEL[^]*no embedding model/);
  });

  it("takes the user's own model, and refuses one that is none", async () => {
    const where = await place();
    const own = join(where.base, "My-Model.gguf");
    await writeFile(own, ggufChunks(wiringOnlyGguf()));
    expect(await obtain(where, { modelPath: own })).toMatchObject({
      ok: true,
      assets: { modelPath: own, isWiringOnly: false },
    });
    for (const spoilt of ["not a model", "GGUFxxxxxxxx"]) {
      await writeFile(own, spoilt);
      expect(await obtain(where, { modelPath: own })).toMatchObject({
        ok: false,
        problem: { kind: "bad_model_file", line: expect.stringContaining(own) },
      });
    }
    expect(await obtain(where, { modelPath: join(where.base, "none.gguf") })).toMatchObject({
      problem: { line: expect.stringContaining("does not exist") },
    });
  });

  it("does not use a cached model that has been damaged", async () => {
    const where = await place();
    await mkdir(join(where.cacheDir, "models"), { recursive: true });
    await writeFile(join(where.cacheDir, "models", CHAT_MODEL.file.name), "damaged");
    expect(await obtain(where)).toMatchObject({ ok: true, assets: { isWiringOnly: true } });
  });

  it("keeps models in the state folder where the cache cannot be written", async () => {
    const where = await place();
    await writeFile(where.cacheDir, "a file where the folder should be");
    expect(await obtain(where)).toMatchObject({
      ok: true,
      assets: { modelPath: join(where.fallbackDir, "wiring-only.gguf") },
    });
    expect(log[0]).toContain("cannot be written");
  });

  it("is a problem without the runtime", async () => {
    const where = { ...(await place()), installDir: join(folder, "nothing-installed") };
    expect(await obtain(where)).toMatchObject({ ok: false, problem: { kind: "offline" } });
  });

  it("is stopped before it begins when the user has given up", async () => {
    expect(await obtain(await place(), { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      problem: { kind: "aborted" },
    });
  });
});

describe("lock", () => {
  it("lets one in at a time, and tells the others that they wait", async () => {
    const path = join(folder, "some.lock");
    const inside: number[] = [];
    const waited = Promise.withResolvers<void>();
    let waits = 0;
    let busy = 0;
    const tell = (): void => {
      waits += 1;
      waited.resolve();
    };
    const work = (id: number) =>
      withLock(path, signal, tell, async () => {
        busy += 1;
        expect(busy).toBe(1);
        inside.push(id);
        await waited.promise;
        busy -= 1;
      });
    await Promise.all([work(1), work(2)]);
    expect(inside).toHaveLength(2);
    expect(waits).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it.each<[string, string, number]>([
    ["a process that has died with it", "2147483646", 0],
    ["an earlier process that had our id", String(process.pid), 0],
    ["a process that died before it could write into it", "", 1100],
    ["something that wrote no id into it", "what is this", 1100],
  ])("is taken from %s", async (_, content, ageMs) => {
    const path = join(folder, "dead.lock");
    await writeFile(path, content);
    const madeS = (Date.now() - ageMs) / 1000;
    await utimes(path, madeS, madeS);
    expect(
      await withLock(
        path,
        signal,
        () => undefined,
        async () => "in",
      ),
    ).toBe("in");
  });

  it.each<[string, string, string]>([
    ["a process that is alive", String(process.ppid), `process ${process.ppid}`],
    ["a process that is just writing into it", "", "another process"],
  ])("waits for %s, tells of it with its file, and stops when the user gives up", async (_, content, who) => {
    const path = join(folder, "held.lock");
    await writeFile(path, content);
    const stop = new AbortController();
    const told: string[] = [];
    const waiting = withLock(
      path,
      stop.signal,
      (holder) => {
        told.push(holder);
        stop.abort();
      },
      async () => "in",
    );
    await expect(waiting).rejects.toThrow();
    expect(told).toEqual([`${who} (if it is no start of this platform, remove ${path})`]);
  });
});

describe("cache folder", () => {
  it.each<[NodeJS.Platform, Record<string, string>, string]>([
    ["linux", {}, "/home/me/.cache/eco-base"],
    ["linux", { XDG_CACHE_HOME: "/xdg" }, "/xdg/eco-base"],
    ["darwin", {}, "/home/me/Library/Caches/eco-base"],
  ])("on %s with %o is %s", (platform, env, path) => {
    expect(defaultCacheDir(platform, env, "/home/me")).toBe(path);
  });

  it("on Windows is below LOCALAPPDATA", () => {
    expect(defaultCacheDir("win32", { LOCALAPPDATA: "/local" }, "/home/me")).toBe(
      join("/local", "eco-base", "Cache"),
    );
  });
});

describe("problem", () => {
  it.each<[unknown, string, string]>([
    [Object.assign(new Error("x"), { code: "ENOSPC" }), "disk_full", "could not do it: the disk is full"],
    [
      Object.assign(new Error("x"), { code: "EACCES" }),
      "read_only",
      "could not do it: no permission to write (EACCES)",
    ],
    [
      new TypeError("fetch failed", { cause: Object.assign(new Error("y"), { code: "ENOTFOUND" }) }),
      "no_network",
      "could not do it: the network is not reachable (ENOTFOUND)",
    ],
    [
      new DOMException("stop", "AbortError"),
      "aborted",
      "stopped before the engine was complete; the next start goes on with it",
    ],
    [new Error("first\nsecond"), "failed", "could not do it: first"],
    ["just text", "failed", "could not do it: just text"],
  ])("of %o is %s", (error, kind, line) => {
    expect(problemOf(error, "do it").problem).toEqual({ kind, line });
  });
});
