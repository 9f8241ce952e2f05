/** A folder for one test file's leftovers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** Makes the folder now and removes it after the last test of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "eco-embedded-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
