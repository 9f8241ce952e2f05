import { describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import { chat, post, readStream } from "./asking.ts";
import { type EngineSpec, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const CLIENTS = 4;
const RESTARTS = 3;
const CIRCUIT = { failuresToOpen: 3, openMs: 300, openMsMax: 600 };

/** Engines that are restarted, each relayed in its own way, and one beside it that stays. */
const RESTARTED = ["vllm", "openai", "ollama"] as const;
const ENGINES: readonly EngineSpec[] = RESTARTED.flatMap((kind) =>
  ["restarted", "steady"].map((role) => ({
    kind: role === "steady" ? "llama-cpp" : kind,
    id: `${kind}-${role}`,
    sim: { models: [`pair-${kind}`] },
    config: { circuit: CIRCUIT, retriesMax: 2 },
  })),
);
const proof = proofForFile(ENGINES);

describe("engines that are restarted under load, each beside another engine of its model", () => {
  /** Asks on while one of a kind is restarted; gives how many answers another engine went on with. */
  const continuedWhileRestarting = async (kind: (typeof RESTARTED)[number]): Promise<number> => {
    const sim = proof().sim(`${kind}-restarted`);
    const model = `pair-${kind}`;
    const load = { over: false };
    let answered = 0;
    const client = async (_: unknown, which: number) => {
      for (let round = 0; !load.over; round++) {
        const content = `Of ${which} and ${round}, in short [sim tokens=30 gap=2]`;
        const stream = round % 3 !== 2;
        const response = await post(proof(), CHAT, chat(model, content, { stream }));
        const { text, finish } = predictChat({ messages: [{ role: "user", content }] });
        expect(response.status).toBe(200);
        if (stream)
          expect(await readStream(response)).toMatchObject({
            text,
            finishes: [finish],
            done: true,
            error: undefined,
          });
        else expect(await response.json()).toMatchObject({ choices: [{ message: { content: text } }] });
        answered += 1;
      }
    };
    const clients = Promise.all(Array.from({ length: CLIENTS }, client));
    const restarts = (async () => {
      for (let times = 0; times < RESTARTS; times++) {
        // It is killed in the middle of answers, and is back when as many have been answered without it.
        await sim.waitFor(
          ({ requests }) => requests.some(({ state, tokens }) => state === "running" && tokens > 4),
          10_000,
        );
        await sim.kill();
        const before = answered;
        await expect.poll(() => answered, { timeout: 5_000, interval: 10 }).toBeGreaterThan(before + CLIENTS);
        await sim.revive();
      }
    })();
    await Promise.race([restarts, clients]);
    load.over = true;
    await Promise.all([restarts, clients]);
    expect(answered).toBeGreaterThan(RESTARTS * CLIENTS);
    return proof().lines.filter((line) => line.model === model && line.continued !== undefined).length;
  };

  it("fail not one request, streams that they had begun among them", async () => {
    const continued = await Promise.all(RESTARTED.map(continuedWhileRestarting));
    for (const count of continued) expect(count).toBeGreaterThan(0);
  });
});
