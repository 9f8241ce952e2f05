import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { SeenRequest } from "../../../engines-infra/simulator/index.ts";
import type { AdminEngine } from "../../../shared/contracts/admin-engines.ts";
import { adminOf } from "./admin.ts";
import { chat, errorOf, post } from "./asking.ts";
import { type EngineSpec, generationsOf, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const CLIENTS = 8;
const ROUNDS = 6;
const PROBE_MS = 400;
const CIRCUIT = { failuresToOpen: 3, openMs: 300, openMsMax: 600 };
const RETRIES_MAX = 2;
/** What can be under way when a circuit opens: every client's first attempt, and its further ones. */
const ATTEMPTS_MAX = CLIENTS * (1 + RETRIES_MAX);

/** One engine and one model for each test: a circuit remembers. */
const engine = (id: string): EngineSpec => ({
  kind: "vllm",
  id,
  config: { circuit: CIRCUIT, retriesMax: RETRIES_MAX, probeIntervalMs: PROBE_MS },
});
const proof = proofForFile(["dead", "ill", "mistaken"].map(engine));
const admin = adminOf(proof);

/** How the fleet knows an engine's circuit. */
const circuitOf = async (id: string): Promise<string | undefined> => {
  const { state } = (await (await admin("GET", `/admin/engines/${id}`)).json()) as AdminEngine;
  return state?.circuit;
};

const ask = (id: string, content = "Are you there?", more = {}, headers = {}) =>
  post(proof(), CHAT, chat(modelOf(id), content, more), { headers });

/** Every client asks one request after the other; gives all answers. */
async function askByAll(id: string): Promise<Response[]> {
  const client = async (_: unknown, which: number) => {
    const answers: Response[] = [];
    for (let round = 0; round < ROUNDS; round++)
      answers.push(await ask(id, `${which}.${round}`, { stream: round % 2 === 0 }));
    return answers;
  };
  return (await Promise.all(Array.from({ length: CLIENTS }, client))).flat();
}

async function expectUnavailable(response: Response): Promise<void> {
  expect(response.status).toBe(503);
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect((await errorOf(response)).code).toBe("engines_unavailable");
}

/** Listens in an engine's place: every connection is heard out for its first words, and reset. */
async function listenInPlaceOf(port: number) {
  const heard: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      heard.push(bytes.toString("latin1").split(" ", 1)[0] ?? "");
      socket.resetAndDestroy();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  return { heard, close };
}

describe("an engine that is dead", () => {
  it("is asked a bounded number of times by all of its clients together, and serves again when it is back", async () => {
    const sim = proof().sim("dead");
    expect((await ask("dead")).status).toBe(200);
    await sim.kill();
    const grave = await listenInPlaceOf(sim.port);
    const startedMs = performance.now();
    try {
      for (const response of await askByAll("dead")) await expectUnavailable(response);
      const elapsedMs = performance.now() - startedMs;
      const generations = grave.heard.filter((method) => method === "POST").length;
      const looks = grave.heard.length - generations;
      expect(generations).toBeGreaterThanOrEqual(CIRCUIT.failuresToOpen);
      expect(generations).toBeLessThanOrEqual(ATTEMPTS_MAX);
      // At most one in PROBE_MS whoever asks, and those that the alarm makes, which comes up to a fifth early.
      expect(looks).toBeLessThanOrEqual(2 + (2 * elapsedMs) / (0.8 * PROBE_MS));
      expect(await circuitOf("dead")).not.toBe("closed");
    } finally {
      await grave.close();
    }
    await sim.revive();
    await expect.poll(async () => (await ask("dead")).status, { timeout: 5_000 }).toBe(200);
    await expect.poll(() => circuitOf("dead")).toBe("closed");
  });
});

/** Whether two of the requests were at the engine at the same time. */
const overlap = (requests: readonly SeenRequest[]): boolean =>
  requests.some(({ startedMs }, at) => at > 0 && startedMs < (requests[at - 1]?.endedMs ?? Infinity));

const TRIALS = 3;
const TRIAL = { messages: [{ role: "user", content: "Hello" }], max_tokens: 1 };

describe("an engine that looks well and fails what it is asked", () => {
  it("gets one trial at a time while its circuit is open, and traffic once it has stood one", async () => {
    const sim = proof().sim("ill");
    await sim.configure({ always: "status=500" });
    const first = await askByAll("ill");
    for (const response of first) expect([502, 503]).toContain(response.status);
    expect(generationsOf(sim.seen().requests).length).toBeLessThanOrEqual(ATTEMPTS_MAX + 4);
    expect(await circuitOf("ill")).not.toBe("closed");
    sim.reset();
    await sim.configure({ always: "headers=60 status=500" });
    const ended = ({ endedMs }: SeenRequest) => endedMs !== undefined;
    const [{ requests }] = await Promise.all([
      sim.waitFor((seen) => generationsOf(seen.requests).filter(ended).length >= TRIALS, 8_000),
      askByAll("ill").then((answers) => Promise.all(answers.map(expectUnavailable))),
    ]);
    const trials = generationsOf(requests);
    for (const { body } of trials) expect(body).toMatchObject(TRIAL);
    expect(overlap(trials)).toBe(false);
    await sim.configure({ always: "" });
    await expect.poll(async () => (await ask("ill")).status, { timeout: 5_000 }).toBe(200);
    await expect.poll(() => circuitOf("ill")).toBe("closed");
  });
});

describe("a circuit stays closed", () => {
  it.each([400, 404, 422])("whatever callers do wrong (%d)", async (status) => {
    for (let times = 0; times <= CIRCUIT.failuresToOpen; times++) {
      const response = await ask("mistaken", `[sim status=${status}]`, { stream: times % 2 === 0 });
      expect(response.status).toBe(status);
    }
    expect(await circuitOf("mistaken")).toBe("closed");
  });

  it("when callers leave", async () => {
    for (let times = 0; times <= CIRCUIT.failuresToOpen; times++) {
      const leaving = new AbortController();
      const left = post(proof(), CHAT, chat(modelOf("mistaken"), "[sim hang=headers]"), {
        signal: leaving.signal,
      });
      await proof()
        .sim("mistaken")
        .waitFor(({ requests }) => generationsOf(requests).length > times);
      leaving.abort();
      await left.catch(() => undefined);
    }
    expect(await circuitOf("mistaken")).toBe("closed");
  });
});
