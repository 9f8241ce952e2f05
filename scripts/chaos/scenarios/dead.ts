import { once } from "node:events";
import { createServer } from "node:net";
import { CHAT, askChat } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import type { Row } from "../table.ts";
import { isOurError } from "../verdict.ts";

const CLIENTS = 8;
const ROUNDS = 12;
const RETRIES_MAX = 2;
const PROBE_MS = 400;
/** What can be under way when the circuit opens. */
const CALLS_MAX = CLIENTS * (1 + RETRIES_MAX);
/** Longest time in which an engine that is back has to be found. */
const BACK_MS_MAX = 5_000;

export const DEAD_ENGINES: readonly LabEngine[] = [
  {
    id: "dead",
    kind: "vllm",
    sim: { models: ["dead"] },
    config: { retriesMax: RETRIES_MAX, probeIntervalMs: PROBE_MS },
  },
];

/** Kills the only engine of a model that eight clients ask for, counts what still reaches its port, and revives it. */
export async function dead(lab: Lab): Promise<Row[]> {
  const sim = lab.sim("dead");
  await askChat(lab, "dead", "Hello", false);
  await sim.kill();
  const grave = await listenInPlaceOf(sim.port);
  const startedMs = performance.now();
  let untold = 0;
  const client = async () => {
    for (let round = 0; round < ROUNDS; round++) if (!(await isToldToComeBack(lab))) untold += 1;
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const elapsedMs = performance.now() - startedMs;
  await grave.close();
  await sim.revive();
  const backMs = await timeUntilServed(lab);
  const { calls, looks } = grave;
  // Whoever asks: one in PROBE_MS; and those of the alarm, which comes up to a fifth early.
  const looksMax = 2 + (2 * elapsedMs) / (0.8 * PROBE_MS);
  return [
    {
      what: `dead engine, ${CLIENTS} clients, ${CLIENTS * ROUNDS} requests`,
      figures: `${calls()} failed calls, ${looks()} probes in ${(elapsedMs / 1000).toFixed(1)} s, ${untold} not told`,
      promise: `≤ ${CALLS_MAX} calls, ≤ ${Math.floor(looksMax)} probes, all 503`,
      kept: untold === 0 && calls() <= CALLS_MAX && looks() <= looksMax,
    },
    {
      what: "the same engine, back",
      figures: backMs === undefined ? "not found again" : `serves after ${(backMs / 1000).toFixed(1)} s`,
      promise: `≤ ${BACK_MS_MAX / 1000} s`,
      kept: backMs !== undefined && backMs <= BACK_MS_MAX,
    },
  ];
}

async function isToldToComeBack(lab: Lab): Promise<boolean> {
  const body = { model: "dead", messages: [{ role: "user", content: "Hello" }] };
  const response = await lab.post(CHAT, body);
  const retryAfterS = Number(response.headers.get("retry-after"));
  return response.status === 503 && retryAfterS >= 1 && isOurError(503, await response.json());
}

async function timeUntilServed(lab: Lab): Promise<number | undefined> {
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  while (elapsedMs() < 2 * BACK_MS_MAX)
    if ((await askChat(lab, "dead", "Back?", false)) === "equal") return elapsedMs();
  return undefined;
}

/** Listens in an engine's place: every connection is heard out for its first words, and reset. */
async function listenInPlaceOf(port: number) {
  const methods: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      methods.push(bytes.toString("latin1").split(" ", 1)[0] ?? "");
      socket.resetAndDestroy();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const posts = () => methods.filter((method) => method === "POST").length;
  return {
    calls: posts,
    looks: () => methods.length - posts(),
    close: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
