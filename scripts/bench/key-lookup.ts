// `node scripts/bench/key-lookup.ts`: what it costs to look up a key that no cache knows, with few keys and with many.
import { randomBytes } from "node:crypto";
import { createApiKey } from "../../shared/auth/api-key.ts";
import { createKey, createWorkspace } from "../platform/accounts.ts";
import { servePlatform } from "../platform/serve.ts";
import { median } from "./statistics.ts";

const PEPPER = "a pepper for the bench only";
const SIZES = [100, 100_000];
const ROUNDS = 3;
const REQUESTS = 100;

/** Fills the tables up to so many keys: SQLite makes them itself. */
const fill = (from: number, to: number, workspaceId: string): string[] => {
  const serials = `WITH RECURSIVE serials(n) AS (SELECT ${from + 1} UNION ALL SELECT n + 1 FROM serials WHERE n < ${to})`;
  return [
    `INSERT INTO api_keys (id, workspace_id, name, role, created_at_ms, updated_at_ms) ${serials} SELECT 'key_' || printf('%020d', n), '${workspaceId}', 'many', 'developer', n, n FROM serials`,
    `INSERT INTO key_secrets (hash, key_id, hint, created_at_ms) ${serials} SELECT lower(hex(randomblob(32))), 'key_' || printf('%020d', n), 'hint', n FROM serials`,
  ];
};

const platform = await servePlatform({
  port: 0,
  variables: { KEY_PEPPER: PEPPER, ENGINES: "[]", LOG_REQUESTS: "0" },
});
try {
  const { database, url } = platform;
  const nowMs = Date.now();
  const workspaceId = await createWorkspace(database, "bench", nowMs);
  const key = await createKey(database, PEPPER, { workspaceId, name: "bench", role: "admin", nowMs });
  const unknown = createApiKey((count) => new Uint8Array(randomBytes(count)), nowMs);
  const timeOf = async (path: string, secret: string): Promise<number> => {
    const times: number[] = [];
    for (let at = 0; at < REQUESTS; at++) {
      const begun = performance.now();
      const answer = await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } });
      await answer.arrayBuffer();
      times.push(performance.now() - begun);
    }
    return median(times);
  };
  const figures: Record<string, Record<string, string>> = {};
  let count = 0;
  for (const size of SIZES) {
    await database.batch(fill(count, size, workspaceId).map((sql) => database.prepare(sql)));
    count = size;
    // The first round warms up.
    const rounds = { known: [] as number[], unknown: [] as number[], list: [] as number[] };
    for (let round = 0; round <= ROUNDS; round++) {
      const known = await timeOf("/v1/models", key);
      const none = await timeOf("/v1/models", unknown);
      const list = await timeOf("/api/v1/keys?limit=20", key);
      if (round === 0) continue;
      rounds.known.push(known);
      rounds.unknown.push(none);
      rounds.list.push(list);
    }
    const shown = (times: number[]) => `${median(times).toFixed(2)} ms`;
    figures[`${size} keys`] = {
      "a known key, looked up anew": shown(rounds.known),
      "an unknown key": shown(rounds.unknown),
      "a page of 20": shown(rounds.list),
    };
  }
  console.table(figures);
} finally {
  await platform.stop();
}
