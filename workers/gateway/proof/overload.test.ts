import { describe, expect, it } from "vitest";
import { type SimulatedKind, predictChat } from "../../../engines-infra/simulator/index.ts";
import type { AdminEngine } from "../../../shared/contracts/admin-engines.ts";
import { adminOf } from "./admin.ts";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { type EngineSpec, generationsOf, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const CLIENTS = 8;
const ROUNDS = 4;
const CIRCUIT = { failuresToOpen: 3, openMs: 300 };

/** Kinds that say so when they are overloaded; the others queue without a word. */
const OUTSPOKEN: readonly SimulatedKind[] = ["ollama", "openai", "sglang", "tgi", "vllm"];

/** Engines that turn away all that they are asked, each with a model of its own; and pairs where another one does not. */
const ENGINES: readonly EngineSpec[] = OUTSPOKEN.flatMap((kind) => [
  { kind, sim: { always: "overload" }, config: { circuit: CIRCUIT } },
  {
    kind,
    id: `${kind}-busy`,
    sim: { models: [`pair-${kind}`], always: "overload" },
    config: { circuit: CIRCUIT, retriesMax: 2, weight: 1000 },
  },
  { kind: "llama-cpp", id: `${kind}-calm`, sim: { models: [`pair-${kind}`] }, config: { weight: 0 } },
]);

const proof = proofForFile([
  ...ENGINES,
  { kind: "vllm", id: "brief", config: { circuit: CIRCUIT, retriesMax: 2 } },
]);
const admin = adminOf(proof);

const circuitOf = async (id: string): Promise<string | undefined> =>
  ((await (await admin("GET", `/admin/engines/${id}`)).json()) as AdminEngine).state?.circuit;
const generations = (id: string) => generationsOf(proof().sim(id).seen().requests).length;

/** Every client asks one request after the other, every other one for a stream; all answers with what was asked. */
async function storm(model: string): Promise<{ content: string; stream: boolean; response: Response }[]> {
  const client = async (_: unknown, which: number) => {
    const answers: { content: string; stream: boolean; response: Response }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const asked = { content: `Of storms, ${which}.${round} [sim tokens=6]`, stream: round % 2 === 0 };
      const body = chat(model, asked.content, { stream: asked.stream });
      answers.push({ ...asked, response: await post(proof(), CHAT, body) });
    }
    return answers;
  };
  return (await Promise.all(Array.from({ length: CLIENTS }, client))).flat();
}

describe.each(OUTSPOKEN)("a storm of requests that %s turns away", (kind) => {
  it("is a 429 with a time to come back for every caller, and leaves its circuit closed", async () => {
    for (const { response } of await storm(modelOf(kind))) {
      expect(response.status).toBe(429);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(await errorOf(response)).toMatchObject({ code: "engines_overloaded", type: "rate_limit_error" });
    }
    expect(generations(kind)).toBe(CLIENTS * ROUNDS);
    expect(await circuitOf(kind)).toBe("closed");
  });

  it("is served by a second engine of the model, all of it", async () => {
    for (const { content, stream, response } of await storm(`pair-${kind}`)) {
      expect(response.status).toBe(200);
      const { text } = predictChat({ messages: [{ role: "user", content }] });
      if (stream) expect(await readStream(response)).toMatchObject({ done: true, text });
      else expect(await response.json()).toMatchObject({ choices: [{ message: { content: text } }] });
    }
    expect(generations(`${kind}-calm`)).toBe(CLIENTS * ROUNDS);
    // It is asked once a request, where it has a slot, and not again while another one answers.
    expect(generations(`${kind}-busy`)).toBeGreaterThan(0);
    expect(generations(`${kind}-busy`)).toBeLessThanOrEqual(CLIENTS * ROUNDS);
    expect(await circuitOf(`${kind}-busy`)).toBe("closed");
  });
});

describe("an engine that is overloaded for a moment", () => {
  it.each([false, true])("is asked again, and the caller notices nothing (stream: %s)", async (stream) => {
    await proof()
      .sim("brief")
      .configure({ failNext: { count: 2, with: "overload" } });
    const response = await post(proof(), CHAT, chat(modelOf("brief"), "Now? [sim tokens=6]", { stream }));
    expect(response.status).toBe(200);
    await response.text();
    expect(generations("brief")).toBe(3);
    expect(await proof().lineOf(response)).toMatchObject({
      engine: "brief",
      attempts: [{ engine: "brief" }, { engine: "brief" }],
    });
  });
});
