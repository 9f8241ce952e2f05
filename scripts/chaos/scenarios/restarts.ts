import { setTimeout as delay } from "node:timers/promises";
import { askChat } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import type { Row } from "../table.ts";
import { countVerdicts, type Verdict } from "../verdict.ts";

const CLIENTS = 6;
const AWAY_MS = 400;

export const RESTART_ENGINES: readonly LabEngine[] = [
  { id: "restarted", kind: "vllm", sim: { models: ["restart"] } },
  { id: "steady", kind: "llama-cpp", sim: { models: ["restart"] } },
];

/** Kills one of two engines again and again in the middle of its answers, while clients ask on. */
export async function restarts(lab: Lab, seconds: number): Promise<Row[]> {
  const sim = lab.sim("restarted");
  const endMs = performance.now() + seconds * 1000;
  const isOver = () => performance.now() >= endMs;
  const verdicts: Verdict[] = [];
  const client = async (_: unknown, which: number) => {
    for (let round = 0; !isOver(); round++) {
      const content = `Of ${which} and ${round} [sim tokens=40 gap=2]`;
      verdicts.push(await askChat(lab, "restart", content, round % 3 !== 2));
    }
  };
  let times = 0;
  let brokenOff = 0;
  const restarting = async () => {
    for (;;) {
      const busy = sim.waitFor(
        (seen) => seen.requests.some(({ state, tokens }) => state === "running" && tokens > 4),
        endMs - performance.now(),
      );
      // At the end it may not have come back to work yet.
      const { requests } = await busy.catch(() => ({ requests: undefined }));
      if (!requests) return;
      brokenOff += requests.filter(({ state, tokens }) => state === "running" && tokens > 0).length;
      await sim.kill();
      times += 1;
      await delay(AWAY_MS);
      await sim.revive();
    }
  };
  await Promise.all([restarting(), ...Array.from({ length: CLIENTS }, client)]);
  const { equal, told, wrong } = countVerdicts(verdicts);
  return [
    {
      what: `${times} restarts under load, ${brokenOff} answers broken off`,
      figures: `${verdicts.length} requests, ${told + wrong} errors`,
      promise: "0 errors",
      kept: times > 0 && brokenOff > 0 && equal === verdicts.length,
    },
  ];
}
