import { describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import type { AdminEngine } from "../../../shared/contracts/admin-engines.ts";
import { adminOf } from "./admin.ts";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { type EngineSpec, generationsOf, proofForFile } from "./harness.ts";

const FIRST_BYTE_MS = 300;

/** Engines that are asked first, each relayed in its own way, and one that is there for when they fail. */
const FIRST = ["vllm", "openai", "ollama", "llama-cpp"] as const;
const ENGINES: readonly EngineSpec[] = FIRST.flatMap((kind) => [
  {
    kind,
    id: `${kind}-first`,
    sim: { models: [`pair-${kind}`], lacks: [] },
    config: { weight: 1000, firstByteTimeoutMs: FIRST_BYTE_MS },
  },
  { kind: "vllm", id: `${kind}-second`, sim: { models: [`pair-${kind}`], lacks: [] }, config: { weight: 0 } },
]);
const TRIO = ["one", "two", "three"] as const;

const proof = proofForFile([
  ...ENGINES,
  ...TRIO.map((id): EngineSpec => ({ kind: "vllm", id, sim: { models: ["trio"] } })),
]);
const admin = adminOf(proof);
const operator = () => ({ authorization: `Bearer ${proof().adminKey}` });
const generations = (id: string) => generationsOf(proof().sim(id).seen().requests).length;

const QUESTION = "Who answers? [sim tokens=8]";
const whole = (content: string) => predictChat({ messages: [{ role: "user", content }] });

describe.each(FIRST)("a fault of %s before its first byte", (kind) => {
  const [first, second] = [`${kind}-first`, `${kind}-second`];
  const ask = (path: string, fault: string, stream: boolean) => {
    const content = `${QUESTION} [sim on=${first} ${fault}]`;
    const model = `pair-${kind}`;
    return post(
      proof(),
      path,
      path.includes("chat") ? chat(model, content, { stream }) : { model, prompt: content, stream },
    );
  };
  const expectFailedOver = async (response: Response) => {
    expect(await proof().lineOf(response)).toMatchObject({
      status: 200,
      engine: second,
      attempts: [{ engine: first, reason: expect.stringMatching(/./) }],
    });
    expect([generations(first), generations(second)]).toEqual([1, 1]);
  };

  it.each([
    "die=0",
    "fin=0",
    "cutin=1",
    "hang=headers",
    "hang=0",
    "error=0",
    "html",
    "status=500",
    "status=503",
  ])("is not seen by who asked for a stream (%s)", async (fault) => {
    const response = await ask("/v1/chat/completions", fault, true);
    expect(response.status).toBe(200);
    const { text, finish } = whole(QUESTION);
    expect(await readStream(response)).toMatchObject({
      text,
      finishes: [finish],
      done: true,
      error: undefined,
    });
    await expectFailedOver(response);
  });

  it.each(["die=0", "fin=0", "cutin=1", "error=0", "html", "status=500", "status=503"])(
    "is not seen by who asked for a whole answer (%s)",
    async (fault) => {
      const response = await ask("/v1/chat/completions", fault, false);
      expect(response.status).toBe(200);
      const { text, finish } = whole(QUESTION);
      expect(await response.json()).toMatchObject({
        choices: [{ message: { content: text }, finish_reason: finish }],
      });
      await expectFailedOver(response);
    },
  );

  it.each([
    [true, "die=0"],
    [true, "hang=headers"],
    [false, "html"],
    [false, "status=500"],
  ])("is not seen by who asked for a completion (stream: %s, %s)", async (stream, fault) => {
    const response = await ask("/v1/completions", fault, stream);
    expect(response.status).toBe(200);
    if (stream) expect(await readStream(response)).toMatchObject({ done: true, error: undefined });
    else expect(await response.json()).toMatchObject({ choices: [{ finish_reason: expect.any(String) }] });
    await expectFailedOver(response);
  });

  it("is not seen by who asked for vectors", async () => {
    const input = `Vectors [sim on=${first} status=500]`;
    const response = await post(proof(), "/v1/embeddings", { model: `pair-${kind}`, input });
    expect(response.status).toBe(200);
    await expectFailedOver(response);
  });
});

describe("an operator's choice of an engine", () => {
  const pinned = (headers: Record<string, string>) =>
    post(proof(), "/v1/chat/completions", chat("pair-vllm", QUESTION), { headers });

  it("is kept, and is no one else's to make", async () => {
    const chosen = await pinned({ ...operator(), "x-eco-engine": "vllm-second" });
    expect(chosen.headers.get("x-eco-engine")).toBe("vllm-second");
    expect([generations("vllm-first"), generations("vllm-second")]).toEqual([0, 1]);
    const developers = await pinned({ "x-eco-engine": "vllm-second" });
    expect(await proof().lineOf(developers)).toMatchObject({ engine: "vllm-first" });
    expect(developers.headers.get("x-eco-engine")).toBeNull();
  });

  it("of one that does not serve the model, or that there is none of, is a 503, and no other is asked", async () => {
    for (const id of ["openai-first", "nobody"]) {
      const response = await pinned({ ...operator(), "x-eco-engine": id });
      expect(response.status).toBe(503);
      expect((await errorOf(response)).code).toBe("engines_unavailable");
    }
    expect([generations("vllm-first"), generations("vllm-second")]).toEqual([0, 0]);
  });
});

describe("a session", () => {
  const session = (id: string, content: string) =>
    post(proof(), "/v1/chat/completions", chat("trio", content), { headers: { "x-eco-session": id } });
  const engineOf = async (response: Response) => (await proof().lineOf(response)).engine;

  it("keeps its engine, and sessions are spread over all of them", async () => {
    const engines = new Set<unknown>();
    for (let which = 0; which < 12; which++) {
      const own = new Set<unknown>();
      for (let turn = 0; turn < 3; turn++)
        own.add(await engineOf(await session(`s${which}`, `Turn ${turn}`)));
      expect(own.size).toBe(1);
      for (const engine of own) engines.add(engine);
    }
    expect([...engines].toSorted()).toEqual(TRIO.toSorted());
  });

  it("goes on elsewhere while its engine is away, and returns", async () => {
    const home = String(await engineOf(await session("mine", "Home?")));
    await proof().sim(home).kill();
    const away = await session("mine", "Away?");
    expect(away.status).toBe(200);
    expect(await engineOf(away)).not.toBe(home);
    await proof().sim(home).revive();
    await expect.poll(async () => engineOf(await session("mine", "Back?")), { timeout: 8_000 }).toBe(home);
  });
});

describe("an engine that is being drained", () => {
  const stateOf = async (id: string) =>
    ((await (await admin("GET", `/admin/engines/${id}`)).json()) as AdminEngine).state;
  const ask = async () => {
    const response = await post(proof(), "/v1/chat/completions", chat("pair-ollama", QUESTION));
    expect(response.status).toBe(200);
    return (await proof().lineOf(response)).engine;
  };

  it.each(["/admin/engines/ollama-first", "/admin/objects/engine/ollama-first"])(
    "ends what it has, gets nothing new, and serves again when it is told to (%s)",
    async (path) => {
      expect(await ask()).toBe("ollama-first");
      const under = post(
        proof(),
        "/v1/chat/completions",
        chat("pair-ollama", "Slow [sim tokens=40 gap=20]", { stream: true }),
      );
      await proof()
        .sim("ollama-first")
        .waitFor(({ running }) => running === 1);
      expect((await admin("POST", `${path}/drain`)).status).toBe(200);
      await expect.poll(ask, { timeout: 5_000 }).toBe("ollama-second");
      expect(await stateOf("ollama-first")).toMatchObject({ draining: true });
      expect(await readStream(await under)).toMatchObject({ done: true, error: undefined });
      expect((await admin("POST", `${path}/resume`)).status).toBe(200);
      await expect.poll(ask, { timeout: 5_000 }).toBe("ollama-first");
    },
  );

  it("can still be reached by an operator who names it", async () => {
    await admin("POST", "/admin/engines/ollama-first/drain");
    await expect.poll(ask, { timeout: 5_000 }).toBe("ollama-second");
    const named = await post(proof(), "/v1/chat/completions", chat("pair-ollama", QUESTION), {
      headers: { ...operator(), "x-eco-engine": "ollama-first" },
    });
    expect(named.status).toBe(200);
    expect(named.headers.get("x-eco-engine")).toBe("ollama-first");
    await admin("POST", "/admin/engines/ollama-first/resume");
  });
});

describe("a circuit that an operator opens", () => {
  const tell = (what: string) => admin("POST", `/admin/objects/engine/openai-first/${what}`);
  const ask = async () => {
    const response = await post(proof(), "/v1/chat/completions", chat("pair-openai", QUESTION));
    expect(response.status).toBe(200);
    return (await proof().lineOf(response)).engine;
  };

  it("stays open although the engine is well, until it is reset", async () => {
    expect((await tell("force-open")).status).toBe(200);
    await expect.poll(ask, { timeout: 5_000 }).toBe("openai-second");
    expect(await (await tell("probe")).json()).toMatchObject({ circuit: { state: "open", forced: true } });
    expect(await ask()).toBe("openai-second");
    expect(await (await tell("reset")).json()).toMatchObject({ circuit: { state: "closed" } });
    await expect.poll(ask, { timeout: 5_000 }).toBe("openai-first");
  });
});
