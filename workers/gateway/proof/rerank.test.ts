import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SimulatedKind } from "../../../engines-infra/simulator/index.ts";
import { errorOf, get, post } from "./asking.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { KINDS, type Proof, STEADY, modelOf, proofForFile, startProof } from "./harness.ts";

const proof = proofForFile();

const PATH = "/v1/rerank";
const documents = ["The tax form is due in May", "A kitten is a young cat", "Dogs chase cats"];
const question = { query: "What is a kitten?", documents };
type Result = { index: number; relevance_score: number; document?: { text: string } };
type Answer = { id: string; model: string; results: Result[]; usage: { prompt_tokens: number } };

const ask = (kind: SimulatedKind, more: object = {}) =>
  post(proof(), PATH, { model: modelOf(kind), ...question, ...more });
const ranked = async (kind: SimulatedKind, more: object = {}): Promise<Answer> => {
  const response = await ask(kind, more);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
};
const places = ({ results }: Answer) => results.map(({ index }) => index);

const CAN = KINDS.filter((kind) => engines[kind].abilities.rerank !== "refused");
const CANNOT = KINDS.filter((kind) => !CAN.includes(kind));

/** How engines say that they were not started for it, where they have words of their own. */
const WORDS: Partial<Record<SimulatedKind, string>> = {
  "llama-cpp": "--reranking",
  sglang: "does not appear to be an embedding model",
};

describe.each(CAN)("a ranking by %s", (kind) => {
  it("has every document, the best first, in the words of this API", async () => {
    const answer = await ranked(kind);
    expect(answer).toMatchObject({ id: expect.stringMatching(/^rerank-req_/), model: modelOf(kind) });
    expect(places(answer)[0]).toBe(1);
    expect(places(answer).toSorted()).toEqual([0, 1, 2]);
    expect(answer.usage.prompt_tokens).toBeGreaterThan(10);
    expect(JSON.stringify(answer)).not.toContain("kitten");
  });

  it("has as many of the best as were asked for", async () => {
    const all = places(await ranked(kind));
    expect(places(await ranked(kind, { top_n: 2 }))).toEqual(all.slice(0, 2));
    expect(places(await ranked(kind, { top_n: 9 }))).toEqual(all);
  });

  it("repeats the documents as they came where asked to, texts and objects alike", async () => {
    const mixed = [{ text: documents[0], title: "Form 1040" }, documents[1], documents[2]];
    const { results } = await ranked(kind, { documents: mixed, return_documents: true });
    expect(results[0]?.document).toEqual({ text: documents[1] });
    expect(results.find(({ index }) => index === 0)?.document).toEqual(mixed[0]);
  });

  it.each([
    [{ documents: [] }, "documents"],
    [{ documents: [""] }, "documents[0]"],
    [{ query: "" }, "query"],
    [{ top_n: 0 }, "top_n"],
  ])("is refused before the engine hears of it: %j", async (more, param) => {
    const response = await ask(kind, more);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ type: "invalid_request_error", param });
    expect(proof().sim(kind).seen().accepted).toBe(0);
  });

  it("is refused in clear words where the engine's model or flags have none", async () => {
    const sim = proof().sim(kind);
    await sim.configure({ lacks: ["rerank"] });
    const response = await ask(kind);
    await sim.configure({ lacks: [] });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain(WORDS[kind] ?? "does not offer this operation");
  });
});

describe.each(CANNOT)("a ranking by %s, which has none", (kind) => {
  it("is refused by name, and the engine does not hear of it", async () => {
    const response = await ask(kind);
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "unsupported_parameter", param: "model" });
    expect(error.message).toContain(kind);
    expect(proof().sim(kind).seen().accepted).toBe(0);
  });
});

it("is in the log and in the metrics under its own name, with its tokens", async () => {
  const response = await ask("vllm");
  const { usage } = (await response.json()) as Answer;
  expect(await proof().lineOf(response)).toMatchObject({
    operation: "rerank",
    model: "sim-vllm",
    usage: { prompt_tokens: usage.prompt_tokens },
  });
  const metrics = await (
    await get(proof(), "/metrics", { authorization: `Bearer ${proof().adminKey}` })
  ).text();
  expect(metrics).toContain('eco_requests_total{operation="rerank",model="sim-vllm",status="200"}');
});

it("asks for a key, and for POST", async () => {
  const keyless = await post(proof(), PATH, question, { headers: { authorization: "" } });
  expect(keyless.status).toBe(401);
  const got = await get(proof(), PATH);
  expect(got.status).toBe(405);
  expect(got.headers.get("allow")).toBe("POST");
});

describe("an engine that does not rank what it was sent", () => {
  let results: unknown;
  let own: Proof;
  const server = createServer((req, res) => {
    const body = req.url === "/v1/models" ? { data: [{ id: "ranker" }] } : { results };
    req.resume().on("end", () => res.setHeader("content-type", "application/json").end(JSON.stringify(body)));
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    own = await startProof([], {
      ENGINES: JSON.stringify([{ id: "odd", kind: "openai", baseUrl, ...STEADY }]),
    });
  });
  afterAll(async () => {
    await own.stop();
    server.close();
  });
  // An engine that failed is asked last until it has told that it is well.
  beforeEach(() => get(own, "/ready"));

  const score = (index: number) => ({ index, relevance_score: index / 10 });
  it.each<[what: string, told: unknown]>([
    ["fewer documents", [score(0), score(1)]],
    ["more documents", [score(0), score(1), score(2), score(3)]],
    ["one of them twice", [score(0), score(1), score(1)]],
    ["no scores", [{ index: 0 }, { index: 1 }, { index: 2 }]],
    ["nothing", undefined],
  ])("is a 502, not half a ranking: %s", async (_, told) => {
    results = told;
    const response = await post(own, PATH, { model: "ranker", ...question, top_n: 1 });
    expect(response.status).toBe(502);
    expect((await errorOf(response)).message).toContain("did not rank every document once");
    expect(own.violations).toEqual([]);
  });
});
