import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import { bundleWorker } from "../../../scripts/platform/bundle.ts";
import { type Platform, servePlatform } from "../../../scripts/platform/serve.ts";

const OLD = "the pepper of before, for proofs";
const NEW = "the pepper of now, for proofs";

let folder: string;
let script: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "eco-pepper-"));
  script = await bundleWorker();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Does something on a platform with these secrets, whose database stays when it stops. */
async function on<T>(
  secrets: Readonly<Record<string, string>>,
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const variables = { ENGINES: "[]", ...secrets };
  const platform = await servePlatform({ port: 0, stateDir: folder, script, variables });
  try {
    return await work(platform);
  } finally {
    await platform.stop();
  }
}

/** The statuses that these keys get. */
const statuses = ({ url }: Platform, keys: readonly string[]): Promise<number[]> =>
  Promise.all(
    keys.map(async (key) => {
      const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
      await answer.body?.cancel();
      return answer.status;
    }),
  );

/** How many secrets there are of each pepper. */
async function versions({ database }: Platform): Promise<Record<string, number>> {
  const { results } = await database
    .prepare("SELECT pepper_version AS version, count(*) AS count FROM key_secrets GROUP BY 1")
    .all<{ version: number; count: number }>();
  return Object.fromEntries(results.map(({ version, count }) => [version, count]));
}

describe("a pepper that is changed", () => {
  it("makes no key unknown that is used while both are known", async () => {
    const [used = "", unused = ""] = await on({ KEY_PEPPER: OLD }, async ({ database }) => {
      const workspaceId = await createWorkspace(database, "pepper", 0);
      const keyOf = (name: string) =>
        createKey(database, OLD, { workspaceId, name, role: "developer", nowMs: Date.now() });
      return [await keyOf("used"), await keyOf("unused")];
    });
    // First both are made known, then they are swapped: an isolate of either time knows every key.
    await on({ KEY_PEPPER: OLD, KEY_PEPPER_PREVIOUS: NEW }, async (platform) => {
      expect(await statuses(platform, [used, unused])).toEqual([200, 200]);
      expect(await versions(platform)).toEqual({ 1: 2 });
    });
    const swapped = { KEY_PEPPER: NEW, KEY_PEPPER_PREVIOUS: OLD, KEY_PEPPER_VERSION: "2" };
    await on(swapped, async (platform) => {
      expect(await statuses(platform, [used, used, used])).toEqual([200, 200, 200]);
      await expect.poll(() => versions(platform)).toEqual({ 1: 1, 2: 1 });
      expect(await statuses(platform, [used])).toEqual([200]);
    });
    await on({ KEY_PEPPER: NEW, KEY_PEPPER_VERSION: "2" }, async (platform) => {
      expect(await statuses(platform, [used, unused])).toEqual([200, 401]);
    });
  });
});
