// `npm run crash [-- KILLS [SEED]]`: kills the whole runtime again and again under load, and compares the books with what was
// really answered. Exit code 1 where they differ.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startSimulator } from "../engines-infra/simulator/index.ts";
import type { UsageReport } from "../shared/contracts/usage.ts";
import { seededRandom } from "../shared/routing/random.ts";
import { type Books, judge } from "./crash/judge.ts";
import { type Asked, load } from "./crash/load.ts";
import type { Order } from "./crash/order.ts";
import { bringUp } from "./crash/platform.ts";
import { bundleWorker } from "./platform/bundle.ts";

const CLIENTS = 6;
const LOAD_MS = { min: 300, max: 2_500 };
/** No slot may be held longer than this by a request that nobody is at. */
const SLOTS_MS = 60_000;

const [kills = 50, seed = Date.now() % 100_000] = process.argv.slice(2).map(Number);
const random = seededRandom(seed);
const stateDir = mkdtempSync(join(tmpdir(), "eco-crash-"));
const sim = await startSimulator({ kind: "vllm", name: "crash", models: ["crash"] });
const pepper = randomBytes(24).toString("hex");
const engine = { id: "crash", kind: "vllm", baseUrl: sim.url, concurrencyMax: 64, probeIntervalMs: 500 };
const order: Order = {
  stateDir,
  script: await bundleWorker(),
  pepper,
  keys: kills,
  variables: { KEY_PEPPER: pepper, ENGINES: JSON.stringify([engine]), LOG_REQUESTS: "0" },
};

type Round = { readonly asked: readonly Asked[]; readonly atEngine: number };

async function main(): Promise<number> {
  const rounds: Round[] = [];
  let platform = await bringUp(order);
  const { keys, adminKey } = platform;
  for (const { secret } of keys) {
    await fetch(`${platform.url}/ready`);
    const loading = load(platform.url, secret, CLIENTS, random);
    await delay(LOAD_MS.min + random() * (LOAD_MS.max - LOAD_MS.min));
    await platform.kill();
    const asked = await loading;
    const atEngine = sim.seen().requests.filter(({ path }) => path.endsWith("/chat/completions")).length;
    sim.reset();
    rounds.push({ asked, atEngine });
    platform = await bringUp({ ...order, keys: 0 });
    process.stderr.write(`\r${rounds.length} kills`);
  }
  const headers = { authorization: `Bearer ${adminKey}` };
  const object = async (id: string, rest: string, method = "GET") =>
    (await fetch(`${platform.url}/admin/objects/key/${id}/${rest}`, { method, headers })).json() as Promise<{
      open: number;
    }>;
  const freeMs = await untilFree(async () => {
    for (const { id } of keys) if ((await object(id, "state")).open > 0) return false;
    return true;
  });
  let wrong = 0;
  for (const [at, { id }] of keys.entries()) {
    await object(id, "flush", "POST");
    const query = `key=${id}&groupBy=engine`;
    const report = (await (
      await fetch(`${platform.url}/admin/usage?${query}`, { headers })
    ).json()) as UsageReport;
    const round = rounds[at];
    const verdict = round && judge(round.asked, booksOf(report), round.atEngine);
    if (verdict === undefined) continue;
    wrong += 1;
    console.error(`\nkill ${at + 1}: ${verdict}`);
  }
  await platform.kill();
  const requests = rounds.reduce((sum, { asked }) => sum + asked.length, 0);
  const finished = rounds.reduce((sum, { asked }) => sum + asked.filter((each) => each.finished).length, 0);
  console.log(
    `\n${kills} kills, ${requests} requests, ${finished} finished; the books are right after ${kills - wrong} of ${kills}; ` +
      `all slots free ${freeMs === undefined ? "NOT" : `${(freeMs / 1000).toFixed(0)} s`} after the last kill (seed ${seed})`,
  );
  return wrong === 0 && freeMs !== undefined ? 0 : 1;
}

/** The milliseconds until nothing is open any more. */
async function untilFree(isFree: () => Promise<boolean>): Promise<number | undefined> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < SLOTS_MS) {
    if (await isFree()) return performance.now() - startedMs;
    await delay(1_000);
  }
  return undefined;
}

/** What nobody was at any more has no engine. */
function booksOf({ data }: UsageReport): Books {
  const of = (isExact: boolean) => {
    const rows = data.filter(({ engine: name }) => (name !== "") === isExact);
    return {
      requests: rows.reduce((sum, row) => sum + row.requests, 0),
      tokens: rows.reduce((sum, row) => sum + row.promptTokens + row.completionTokens, 0),
    };
  };
  return { exact: of(true), estimated: of(false) };
}

const code = await main().finally(async () => {
  await sim.stop();
  rmSync(stateDir, { recursive: true, force: true });
});
process.exit(code);
