import { askChat } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import type { Row } from "../table.ts";
import { countVerdicts, type Verdict } from "../verdict.ts";

/** Engines that begin an answer, one for each way in which it can be relayed. */
const BEGINNERS = [
  { kind: "vllm", relay: "native" },
  { kind: "openai", relay: "exact" },
  { kind: "ollama", relay: "translated" },
] as const;
const FAULTS = ["die", "fin", "cutin"] as const;
const CHUNKS = 64;
/** Behind a role, the chunks and the finish: before the usage, and before the end mark. Ollama says all that in one line. */
const BEHIND = [CHUNKS + 2, CHUNKS + 3];
const CLIENTS = 8;

/** A model that two engines serve, of which the first is broken, and one that has a broken engine alone. */
export const SEAM_ENGINES: readonly LabEngine[] = BEGINNERS.flatMap(({ kind, relay }) => {
  // Broken on purpose, and by the request itself: it is asked each time, however often it failed.
  const config = {
    weight: 1000,
    retriesMax: 0,
    circuit: { failuresToOpen: 1000 },
    ...(relay !== "translated" && { relay }),
  };
  return [
    { id: `${relay}-first`, kind, sim: { models: [`seam-${relay}`] }, config },
    { id: `${relay}-second`, kind: "llama-cpp", sim: { models: [`seam-${relay}`] }, config: { weight: 0 } },
    { id: `${relay}-alone`, kind, sim: { models: [`alone-${relay}`] }, config },
  ] as const;
});

/** Breaks the first engine of each model at each chunk of its answers in each way. */
export async function seams(lab: Lab): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { kind, relay } of BEGINNERS) {
    for (const fault of FAULTS) {
      const asked = { lab, fault, on: `${relay}-first`, model: `seam-${relay}` };
      const { equal, told, wrong } = countVerdicts(await broken(asked, EVERYWHERE));
      rows.push({
        what: `${kind} (${relay}) lost at each of ${CHUNKS} chunks: ${fault}`,
        figures: `${equal} byte-equal, ${told} told, ${wrong} wrong`,
        promise: "all byte-equal",
        kept: equal === CHUNKS,
      });
    }
    const alone: Verdict[] = [];
    for (const fault of FAULTS)
      alone.push(
        ...(await broken({ lab, fault, on: `${relay}-alone`, model: `alone-${relay}` }, EVERYWHERE)),
      );
    const { equal, told, wrong } = countVerdicts(alone);
    rows.push({
      what: `${kind} (${relay}) likewise, nobody else there`,
      figures: `${told} told, ${equal} byte-equal, ${wrong} wrong`,
      promise: "0 wrong, all told",
      kept: wrong === 0 && told === alone.length,
    });
    if (relay === "translated") continue;
    const behind: Verdict[] = [];
    for (const fault of FAULTS)
      behind.push(...(await broken({ lab, fault, on: `${relay}-alone`, model: `alone-${relay}` }, BEHIND)));
    const whole = countVerdicts(behind).equal;
    rows.push({
      what: `${kind} (${relay}) lost behind its finish`,
      figures: `${whole} whole, ${behind.length - whole} not`,
      promise: "all whole",
      kept: whole === behind.length,
    });
  }
  return rows;
}

type Breaking = { readonly lab: Lab; readonly fault: string; readonly on: string; readonly model: string };

const EVERYWHERE = Array.from({ length: CHUNKS }, (_, at) => at + 1);

/** Asks once for each place at which the engine is to break, several at a time. */
async function broken({ lab, fault, on, model }: Breaking, places: readonly number[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const left = [...places];
  const client = async () => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      // A cut is inside the event that follows.
      // What was sent in one go with a reset is lost with it.
      const gap = at > CHUNKS ? " gap=2" : "";
      const event = fault === "cutin" && at > CHUNKS ? at + 1 : at;
      const content = `Tell me of bridges, no. ${at} [sim tokens=${CHUNKS}${gap}] [sim on=${on} ${fault}=${event}]`;
      verdicts.push(await askChat(lab, model, content, true));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return verdicts;
}
