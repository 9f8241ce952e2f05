import { describe, expect, it } from "vitest";
import type { SeenRequest, SimulatedKind } from "../../../engines-infra/simulator/index.ts";
import type { AdminEngine } from "../../../shared/contracts/admin-engines.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { adminOf } from "./admin.ts";
import { chat, post } from "./asking.ts";
import { leaver } from "./bare-client.ts";
import { KINDS, generationsOf, modelOf, proofForFile } from "./harness.ts";

const proof = proofForFile(
  // Embeddings and rankings of SGLang and vLLM are asked of a model that has them.
  KINDS.map((kind) => ({
    kind,
    sim: { lacks: [] },
    config: { concurrencyMax: 1, queueTimeoutMs: 600_000 },
  })),
);
const admin = adminOf(proof);

type Endpoint = {
  readonly name: string;
  readonly path: string;
  body(kind: SimulatedKind, content: string): Record<string, unknown>;
  /** What an engine must have for it; absent where all have it. */
  readonly needs?: "embedding" | "rerank";
};

const CHAT = "/v1/chat/completions";
const ENDPOINTS: readonly Endpoint[] = [
  { name: "a chat", path: CHAT, body: (kind, content) => chat(modelOf(kind), content) },
  {
    name: "a streamed chat",
    path: CHAT,
    body: (kind, content) => chat(modelOf(kind), content, { stream: true }),
  },
  {
    name: "a completion",
    path: "/v1/completions",
    body: (kind, prompt) => ({ model: modelOf(kind), prompt }),
  },
  {
    name: "a streamed completion",
    path: "/v1/completions",
    body: (kind, prompt) => ({ model: modelOf(kind), prompt, stream: true }),
  },
  {
    name: "an embedding",
    path: "/v1/embeddings",
    body: (kind, input) => ({ model: modelOf(kind), input }),
    needs: "embedding",
  },
  {
    name: "a ranking",
    path: "/v1/rerank",
    body: (kind, query) => ({ model: modelOf(kind), query, documents: ["one", "two"] }),
    needs: "rerank",
  },
];

type Phase = {
  readonly name: string;
  readonly directive: string;
  reached(request: SeenRequest): boolean;
  readonly generates?: true;
};
const PHASES: readonly Phase[] = [
  { name: "while it waits for headers", directive: "hang=headers", reached: () => true },
  { name: "before the first token", directive: "first=20000", reached: () => true },
  {
    name: "in the middle of the answer",
    directive: "gap=20 tokens=3000",
    reached: ({ tokens }) => tokens > 2,
    generates: true,
  },
];

const has = (kind: SimulatedKind, { needs }: Endpoint): boolean =>
  needs === undefined || (engines[kind][needs] !== undefined && engines[kind].abilities[needs] !== "refused");
const MATRIX = ENDPOINTS.flatMap((endpoint) =>
  PHASES.filter(({ generates }) => !generates || !endpoint.needs).map((phase) => ({
    endpoint,
    phase,
    title: `${endpoint.name} ends ${phase.name}`,
  })),
);

/** Every generation has ended by being stopped. */
const allAborted = (requests: readonly SeenRequest[]): boolean =>
  generationsOf(requests).length > 0 && generationsOf(requests).every(({ state }) => state === "aborted");

describe("the engine's work for a client that left", () => {
  /** Leaves an engine in that phase, and looks at what it did until it had stopped. */
  const leave = async (endpoint: Endpoint, phase: Phase, kind: SimulatedKind): Promise<void> => {
    const sim = proof().sim(kind);
    const body = endpoint.body(kind, `Leave me [sim ${phase.directive}]`);
    const client = leaver(proof(), endpoint.path, body, { "x-eco-keep-alive": "off" });
    await sim.waitFor(({ requests }) => generationsOf(requests).some(phase.reached));
    client.close();
    const { requests } = await sim.waitFor((seen) => allAborted(seen.requests));
    const [generation, ...others] = generationsOf(requests);
    expect(others, kind).toEqual([]);
    const { abort } = engines[kind];
    const told = requests.filter(({ path }) => path === abort?.("").path);
    expect(told, kind).toHaveLength(abort ? 1 : 0);
    // SGLang's rankings have no id that it could be told: closing their connection has to be enough.
    const id = (generation?.body as { rid?: string } | undefined)?.rid;
    if (!abort || endpoint.needs === "rerank") return;
    // It goes on without its client: its own call ends it, and has to come before the connection is gone.
    expect(told[0]?.body, kind).toEqual(JSON.parse(String(abort(String(id)).body)));
    expect(told[0]?.startedMs, kind).toBeLessThanOrEqual(generation?.endedMs ?? 0);
    expect(generation?.aborted?.afterDisconnectMs, kind).toBe(0);
  };

  it.each(MATRIX)("$title, of whatever kind the engine is", async ({ endpoint, phase }) => {
    const kinds = KINDS.filter((kind) => has(kind, endpoint));
    expect(kinds.length).toBeGreaterThan(1);
    await Promise.all(kinds.map((kind) => leave(endpoint, phase, kind)));
  });
});

const waitingAt = async (kind: string): Promise<number | undefined> =>
  ((await (await admin("GET", `/admin/engines/${kind}`)).json()) as AdminEngine).state?.waiting;

describe("a client that leaves while it waits for its turn", () => {
  /** Leaves the queue of an engine, then asks it for something: what it was asked in all, in order. */
  const askedBesidesQueue = async (kind: SimulatedKind): Promise<string[]> => {
    const sim = proof().sim(kind);
    const holder = leaver(proof(), CHAT, chat(modelOf(kind), "Hold [sim hang=3]", { stream: true }));
    await holder.heard(/data: \{/);
    const clients = ENDPOINTS.filter((endpoint) => has(kind, endpoint)).map(({ path, body }) =>
      leaver(proof(), path, body(kind, "Not me"), { "x-eco-keep-alive": "off" }),
    );
    const expectWaiting = async (count: number) => {
      await expect.poll(() => waitingAt(kind), { timeout: 8_000, interval: 50, message: kind }).toBe(count);
    };
    await expectWaiting(clients.length);
    for (const client of clients) client.close();
    await expectWaiting(0);
    holder.close();
    await sim.waitFor(({ requests }) => allAborted(requests));
    expect((await post(proof(), CHAT, chat(modelOf(kind), "Next"))).status, kind).toBe(200);
    return generationsOf(sim.seen().requests).map(({ body }) => JSON.stringify(body));
  };

  it("never reaches an engine, of whatever kind and whatever it asked for", async () => {
    for (const asked of await Promise.all(KINDS.map(askedBesidesQueue)))
      expect(asked).toEqual([expect.stringContaining("Hold"), expect.stringContaining("Next")]);
  });
});
