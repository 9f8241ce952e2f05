import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../../shared/routing/random.ts";
import { CHAT, askChat } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import type { Row } from "../table.ts";
import { countVerdicts, type Verdict } from "../verdict.ts";

const CLIENTS = 8;
const MODELS = [
  { model: "mix-a", engines: ["mix-a1", "mix-a2"] },
  { model: "mix-b", engines: ["mix-b1", "mix-b2"] },
] as const;
const KINDS = ["vllm", "ollama", "openai", "llama-cpp"] as const;
/** Chance of each in a request: a fault at a random place, and a client that leaves. */
const FAULT_SHARE = 0.3;
const LEAVE_SHARE = 0.15;
const PLACES_MAX = 24;
const FAULTS = ["die", "fin", "cutin", "error"] as const;
const REFUSALS = ["status=500", "status=503", "overload", "html"] as const;
const AWAY_MS_MAX = 400;
/** Time between a revival and the next kill: long enough for the engine to be found again, most of the time. */
const REST_MS = { min: 700, spread: 900 };
const SETTLE_MS = 5_000;
const SLOWEST_MS_MAX = 10_000;

export const MIX_ENGINES: readonly LabEngine[] = MODELS.flatMap(({ model, engines }, pair) =>
  engines.map((id, at) => ({
    id,
    kind: KINDS[2 * pair + at] ?? "vllm",
    sim: { models: [model] },
    // llama.cpp that is overloaded says nothing at all.
    config: { concurrencyMax: 3, firstByteTimeoutMs: 1_000 },
  })),
);

type Draw = { readonly random: () => number; one<T>(list: readonly T[]): T };

function drawing(seed: number): Draw {
  const random = seededRandom(seed);
  return {
    random,
    one: (list) => {
      const drawn = list[Math.floor(random() * list.length)];
      if (drawn === undefined) throw new Error("nothing to draw from");
      return drawn;
    },
  };
}

/** Clients ask and leave, engines fail and are killed, all by chance; every answer is judged. */
export async function mix(lab: Lab, seed: number, seconds: number): Promise<Row[]> {
  const endMs = performance.now() + seconds * 1000;
  const isOver = () => performance.now() >= endMs;
  const verdicts: Verdict[] = [];
  let gone = 0;
  let slowestMs = 0;
  const client = async (_: unknown, which: number) => {
    const draw = drawing(seed + which);
    for (let round = 0; !isOver(); round++) {
      const { model, engines } = draw.one(MODELS);
      const fault = draw.random() < FAULT_SHARE ? ` [sim on=${draw.one(engines)} ${faultOf(draw)}]` : "";
      const content = `${which}.${round} [sim tokens=20 gap=2]${fault}`;
      const stream = draw.random() < 0.7;
      if (draw.random() >= LEAVE_SHARE) {
        const askedMs = performance.now();
        verdicts.push(await askChat(lab, model, content, stream));
        slowestMs = Math.max(slowestMs, performance.now() - askedMs);
      } else {
        await leaveAfter(lab, { model, messages: [{ role: "user", content }], stream }, draw.random() * 60);
        gone += 1;
      }
    }
  };
  let kills = 0;
  const killer = async () => {
    const draw = drawing(seed + CLIENTS);
    while (!isOver()) {
      const victim = lab.sim(draw.one(draw.one(MODELS).engines));
      await victim.kill();
      kills += 1;
      await delay(draw.random() * AWAY_MS_MAX);
      await victim.revive();
      await delay(REST_MS.min + draw.random() * REST_MS.spread);
    }
  };
  await Promise.all([killer(), ...Array.from({ length: CLIENTS }, client)]);
  const { equal, told, wrong } = countVerdicts(verdicts);
  const left = await unsettled(lab);
  return [
    {
      what: `random mix, seed ${seed}: ${kills} kills, ${gone} left`,
      figures: `${verdicts.length} answers: ${equal} equal, ${told} told, ${wrong} wrong`,
      promise: "0 wrong",
      kept: verdicts.length > 0 && wrong === 0,
    },
    {
      what: "the longest wait of anybody",
      figures: `${(slowestMs / 1000).toFixed(1)} s`,
      promise: `≤ ${SLOWEST_MS_MAX / 1000} s`,
      kept: slowestMs <= SLOWEST_MS_MAX,
    },
    {
      what: "behind the mix",
      figures: left.length === 0 ? "no engine works for nobody" : `still working: ${left.join(", ")}`,
      promise: "all idle",
      kept: left.length === 0,
    },
  ];
}

/** A fault that an engine of the drawn request shows. */
const faultOf = (draw: Draw): string =>
  draw.random() < 0.6
    ? `${draw.one(FAULTS)}=${1 + Math.floor(draw.random() * PLACES_MAX)}`
    : draw.one(REFUSALS);

async function leaveAfter(lab: Lab, body: object, ms: number): Promise<void> {
  const answer = lab.post(CHAT, body, AbortSignal.timeout(Math.ceil(ms)));
  await answer.then((response) => response.text()).catch(() => undefined);
}

/** Engines that are still generating when nobody is left who asked. */
async function unsettled(lab: Lab): Promise<string[]> {
  const busy = await Promise.all(
    MIX_ENGINES.map(async ({ id }) =>
      lab
        .sim(id)
        .waitFor(({ running, waiting }) => running + waiting === 0, SETTLE_MS)
        .then(
          () => [],
          () => [id],
        ),
    ),
  );
  return busy.flat();
}
