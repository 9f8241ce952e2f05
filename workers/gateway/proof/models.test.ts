import { describe, expect, it } from "vitest";
import type { ChatCompletion } from "../../../shared/contracts/chat.ts";
import { FEATURES, featuresOf } from "../../../shared/engines/abilities.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { chat, errorOf, get, post } from "./asking.ts";
import { KINDS, ONE_OF_EACH, generationsOf, modelOf, proofForFile } from "./harness.ts";

const shared = { models: ["shared-model"] };
const proof = proofForFile([
  ...ONE_OF_EACH,
  { id: "one", kind: "openai", sim: shared },
  { id: "two", kind: "vllm", sim: shared },
  { id: "plain-llama", kind: "llama-cpp", sim: { models: ["plain"], lacks: ["tools"] } },
  { id: "plain-sglang", kind: "sglang", sim: { models: ["plainer"], lacks: ["tools"] } },
  {
    id: "tool-less",
    kind: "llama-cpp",
    sim: { models: ["tooled"], lacks: ["tools"] },
    config: { weight: 1000 },
  },
  { id: "tooled", kind: "vllm", sim: { models: ["tooled"] }, config: { weight: 1 } },
]);

type Model = { id: string; engines: string[]; abilities: string[] };
const list = async () => ((await (await get(proof(), "/v1/models")).json()) as { data: Model[] }).data;
const show = async (id: string) => {
  const response = await get(proof(), `/v1/models/${id}`);
  return { status: response.status, model: (await response.json()) as Model };
};

describe("a model in the list", () => {
  it.each(KINDS)("says what may be asked of %s", async (kind) => {
    const own = (await list()).find(({ engines: kinds }) => kinds.includes(kind));
    expect(own?.abilities).toEqual(featuresOf(engines[kind].abilities));
    expect((await show(modelOf(kind))).model.abilities).toEqual(own?.abilities);
  });

  it("says what one of its engines can do where another cannot, in the order of all", async () => {
    const data = await list();
    const both = data.find(({ id }) => id === "shared-model");
    expect(both?.engines).toEqual(["openai", "vllm"]);
    expect(featuresOf(engines.openai.abilities)).not.toContain("continuation");
    expect(both?.abilities).toContain("continuation");
    for (const { abilities } of data)
      expect(abilities).toEqual(FEATURES.filter((feature) => abilities.includes(feature)));
  });
});

describe("a model without tools", () => {
  const tools = [{ type: "function", function: { name: "get_time", parameters: { type: "object" } } }];
  const asking = (model: string) =>
    post(proof(), "/v1/chat/completions", chat(model, "[tool] call", { tools }));

  it.each(["plain", "plainer"])("is listed so, and refuses them (%s)", async (model) => {
    const { abilities } = (await show(model)).model;
    expect(abilities).not.toContain("tools");
    expect(abilities).toContain("chat");
    const response = await asking(model);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ param: "tools" });
    expect((await post(proof(), "/v1/chat/completions", chat(model, "Hello"))).status).toBe(200);
  });

  it("is not asked where another engine has the model with them", async () => {
    expect((await show("tooled")).model.abilities).toContain("tools");
    for (let round = 0; round < 8; round++) {
      const answer = (await (await asking("tooled")).json()) as ChatCompletion;
      expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
    }
  });
});

describe("a model of Ollama", () => {
  const forms = [
    "sim-ollama",
    "SIM-Ollama",
    "library/sim-ollama:latest",
    "registry.ollama.ai/library/sim-ollama",
  ];

  it.each(forms)("is served as %s, under which its answer comes back", async (model) => {
    const response = await post(proof(), "/v1/chat/completions", chat(model, "Hello"));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ model });
    const [sent] = generationsOf(proof().sim("ollama").seen().requests);
    expect(sent?.body).toMatchObject({ model: "sim-ollama:latest" });
    expect(await show(model)).toMatchObject({ status: 200, model: { id: "sim-ollama:latest" } });
  });

  it.each(["sim-ollama:1b", "ann/sim-ollama"])("is not meant by %s", async (model) => {
    expect((await post(proof(), "/v1/chat/completions", chat(model, "Hello"))).status).toBe(404);
    expect((await show(model)).status).toBe(404);
  });
});
