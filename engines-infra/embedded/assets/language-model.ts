/** The language model's file: the user's own, SmolLM2, or at the very least something to try the wiring with. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { GGUF_HEADER_BYTES, headerComplaint } from "../gguf/header.ts";
import { wiringOnlyGguf } from "../gguf/wiring-only.ts";
import { ggufChunks } from "../gguf/writer.ts";
import { CHAT_MODEL, WIRING_ONLY } from "./catalog.ts";
import { fetchPinned } from "./pinned.ts";
import type { Obtained } from "./problem.ts";
import { obtained, problem, problemOf } from "./problem.ts";
import type { ModelFile } from "./shelf.ts";
import { commit, writePart } from "./store.ts";

export const chatModel: ModelFile = {
  label: CHAT_MODEL.origin.label,
  name: CHAT_MODEL.file.name,
  expected: CHAT_MODEL.file,
  way: "hubs",
  make: (folder, options) => fetchPinned([CHAT_MODEL.file], CHAT_MODEL.origin, folder, options),
};

/** The model with random weights; it is made in a moment and needs nothing. */
export const wiringOnly: ModelFile = {
  label: "the model for trying the wiring",
  name: WIRING_ONLY.name,
  expected: { recipe: WIRING_ONLY.recipe },
  way: "none",
  async make(folder, { signal }) {
    const path = join(folder, WIRING_ONLY.name);
    try {
      const written = await writePart(path, ggufChunks(wiringOnlyGguf()), { signal });
      await commit(path, { ...written, recipe: WIRING_ONLY.recipe });
      return obtained(undefined);
    } catch (error) {
      return problemOf(error, `write ${path}`);
    }
  },
};

/** Looks whether the user's own file can be what it is said to be. */
export async function checkOwnModel(path: string): Promise<Obtained<string>> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(GGUF_HEADER_BYTES), 0, GGUF_HEADER_BYTES, 0);
      const complaint = headerComplaint(buffer.subarray(0, bytesRead), size);
      return complaint === undefined ? obtained(path) : problem("bad_model_file", `${path} ${complaint}`);
    } finally {
      await file.close();
    }
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const line = isMissing ? `${path} does not exist` : problemOf(error, `read ${path}`).problem.line;
    return problem("bad_model_file", line);
  }
}
