// `npm run attack [-- RACES [SECONDS]]`: tries to get more than a limit gives. A thousand requests race for a hundred places,
// again and again; then attackers play with the edges of minutes, in real time. What was let in is what the engine saw. Exit
// code 1 where that was too much, or less than the limit promises.
import { randomBytes } from "node:crypto";
import { startSimulator } from "../engines-infra/simulator/index.ts";
import { chat } from "../workers/gateway/proof/asking.ts";
import { ATTACKERS } from "./attack/attackers.ts";
import { mostWithin } from "./attack/window.ts";
import { createKey, createWorkspace } from "./platform/accounts.ts";
import { servePlatform } from "./platform/serve.ts";

const CLIENTS = 8;
const RACING = 1_000;
const PLACES = 100;
const LIMIT = 60;
const MINUTE_MS = 60_000;
/** A minute that slides in steps counts up to half a second more than sixty, and never less. */
const COUNTED_MS = 60_500;

const [races = 20, seconds = 200] = process.argv.slice(2).map(Number);
const model = "attack";
const sim = await startSimulator({ kind: "vllm", name: "attack", models: [model] });
const pepper = randomBytes(24).toString("hex");
const engine = { id: "attack", kind: "vllm", baseUrl: sim.url, concurrencyMax: 512 };
const platform = await servePlatform({
  port: 0,
  variables: { KEY_PEPPER: pepper, ENGINES: JSON.stringify([engine]), LOG_REQUESTS: "0" },
});

async function main(): Promise<number> {
  const nowMs = Date.now();
  const workspaceId = await createWorkspace(platform.database, "attack", nowMs);
  const keyWith = (requestsPerMinute: number) =>
    createKey(platform.database, pepper, {
      workspaceId,
      name: "attack",
      role: "developer",
      limits: { requestsPerMinute },
      nowMs,
    });
  let wrong = 0;
  let exact = 0;
  for (let race = 1; race <= races; race++) {
    const letIn = await racing(await keyWith(PLACES));
    if (letIn === PLACES) exact += 1;
    else console.error(`\nrace ${race}: ${letIn} let in`);
    process.stderr.write(`\r${race} races`);
  }
  wrong += races - exact;
  console.log(
    `\n${races} races of ${RACING} requests from ${CLIENTS} clients for ${PLACES} places: ${exact} times exactly ${PLACES}`,
  );
  sim.reset();
  const overMs = Date.now() + seconds * 1_000;
  const names = Object.keys(ATTACKERS);
  const tried = new Map(names.map((name) => [name, 0]));
  await Promise.all(
    Object.entries(ATTACKERS).map(async ([name, attack]) => {
      const key = await keyWith(LIMIT);
      const knock = async () => {
        tried.set(name, (tried.get(name) ?? 0) + 1);
        return (await ask(key, name)) === 200;
      };
      await attack(knock, () => Date.now() >= overMs);
    }),
  );
  const times = arrivals();
  for (const name of names) {
    const own = times.get(name) ?? [];
    const most = mostWithin(own, MINUTE_MS);
    const least = name === "a steady hail" ? LIMIT * Math.floor((seconds * 1_000) / COUNTED_MS) : LIMIT;
    const isWrong = most > LIMIT || own.length < least;
    if (isWrong) wrong += 1;
    console.log(
      `${isWrong ? "WRONG " : ""}${name}: ${tried.get(name)} asked, ${own.length} let in, at most ${most} in any minute of ${LIMIT}`,
    );
  }
  return wrong === 0 ? 0 : 1;
}

/** How many of the requests of all clients, each one after the other, were let in. */
async function racing(key: string): Promise<number> {
  const client = async () => {
    let letIn = 0;
    for (let at = 0; at < RACING / CLIENTS; at++) if ((await ask(key, "race")) === 200) letIn += 1;
    return letIn;
  };
  const each = await Promise.all(Array.from({ length: CLIENTS }, client));
  return each.reduce((sum, letIn) => sum + letIn, 0);
}

async function ask(key: string, who: string): Promise<number> {
  const response = await fetch(`${platform.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(chat(model, `${who} [sim tokens=1]`)),
  });
  await response.arrayBuffer();
  return response.status;
}

/** When the requests of each attacker came to the engine, in milliseconds of its clock. */
function arrivals(): Map<string, number[]> {
  const times = new Map<string, number[]>();
  for (const { body, startedMs } of sim.seen().requests) {
    const { messages } = (body ?? {}) as { messages?: { content?: string }[] };
    const who = messages?.[0]?.content?.replace(/ \[sim.*/, "");
    if (who !== undefined) times.set(who, [...(times.get(who) ?? []), startedMs]);
  }
  return times;
}

const code = await main().finally(async () => {
  await platform.stop();
  await sim.stop();
});
process.exit(code);
