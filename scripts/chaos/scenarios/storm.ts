import { CHAT, askChat } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import type { Row } from "../table.ts";
import { countVerdicts, type Verdict, isOurError } from "../verdict.ts";

const CLIENTS = 8;
const ROUNDS = 25;
const REQUESTS = CLIENTS * ROUNDS;

export const STORM_ENGINES: readonly LabEngine[] = [
  { id: "storm", kind: "vllm", sim: { models: ["storm"], always: "overload" }, config: { retriesMax: 0 } },
  { id: "busy", kind: "vllm", sim: { models: ["spread"], always: "overload" }, config: { weight: 1000 } },
  { id: "calm", kind: "llama-cpp", sim: { models: ["spread"] }, config: { weight: 0 } },
];

/** Asks engines that turn everything away, one of which has another beside it. */
export async function storm(lab: Lab): Promise<Row[]> {
  const alone = await byAll(async () => {
    const response = await lab.post(CHAT, { model: "storm", messages: [{ role: "user", content: "Hello" }] });
    const body: unknown = await response.json();
    return (
      response.status === 429 && Number(response.headers.get("retry-after")) >= 1 && isOurError(429, body)
    );
  });
  const beside = await byAll((which, round): Promise<Verdict> =>
    askChat(lab, "spread", `Of ${which} and ${round} [sim tokens=8]`, round % 2 === 0),
  );
  const refused = alone.filter(Boolean).length;
  const { equal } = countVerdicts(beside);
  const [storming, busy] = await Promise.all(["storm", "busy"].map((id) => lab.engine(id)));
  const circuits = [storming, busy].map((engine) => engine?.state?.circuit ?? "unknown");
  return [
    {
      what: `overload storm, ${REQUESTS} requests`,
      figures: `${refused} × 429 with Retry-After, circuit ${circuits[0]}`,
      promise: "all 429, circuit closed",
      kept: refused === REQUESTS && circuits[0] === "closed",
    },
    {
      what: "overload storm beside a calm engine",
      figures: `${equal} of ${REQUESTS} answered, circuit ${circuits[1]}`,
      promise: "all answered, circuit closed",
      kept: equal === REQUESTS && circuits[1] === "closed",
    },
  ];
}

/** Every client does it, one time after the other. */
async function byAll<T>(once: (which: number, round: number) => Promise<T>): Promise<T[]> {
  const client = async (_: unknown, which: number) => {
    const results: T[] = [];
    for (let round = 0; round < ROUNDS; round++) results.push(await once(which, round));
    return results;
  };
  return (await Promise.all(Array.from({ length: CLIENTS }, client))).flat();
}
