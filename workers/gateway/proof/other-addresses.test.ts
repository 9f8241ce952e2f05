import { beforeAll, describe, expect, it } from "vitest";
import type { Generation } from "../../../shared/contracts/generate.ts";
import { adminOf } from "./admin.ts";
import { chat, errorOf, get, post, readStream } from "./asking.ts";
import { generationsOf, modelOf, proofForFile } from "./harness.ts";

// A vLLM, whose streams are looked at event by event, and an Ollama, whose answers are all written anew.
const proof = proofForFile([{ kind: "vllm", sim: { lacks: [] } }, { kind: "ollama" }]);
const admin = adminOf(proof);
const operator = () => ({ authorization: `Bearer ${proof().adminKey}` });

type Json = Record<string, unknown>;

/** What is of one request alone. */
const plain = (answer: Json): Json => ({ ...answer, id: "", created: 0 });
const bodies = async (path: string, body: object) => {
  const response = await post(proof(), path, body);
  return { status: response.status, body: plain((await response.json()) as Json) };
};

beforeAll(async () => {
  await admin("POST", "/admin/models", {
    id: "words",
    capabilities: ["embedding"],
    aliases: [modelOf("vllm")],
  });
});

describe.each(["vllm", "ollama"])("another address of %s", (kind) => {
  it.each<[string, body: Json]>([
    ["chat/completions", chat(modelOf(kind), "Hello", { seed: 1, temperature: 0 })],
    ["completions", { model: modelOf(kind), prompt: "Once", seed: 1, temperature: 0, max_tokens: 8 }],
    ["embeddings", { model: modelOf(kind), input: ["a", "b"] }],
    ["rerank", { model: modelOf(kind), query: "a", documents: ["a", "b"] }],
    ["chat/completions", { model: modelOf(kind), messages: [] }],
    ["completions", { model: "nobody", prompt: "Once" }],
  ])("answers as the first: %s", async (path, body) => {
    const [first, other] = [await bodies(`/v1/${path}`, body), await bodies(`/api/v1/ai/${path}`, body)];
    expect(other).toEqual(first);
  });

  it.each<[string, body: Json]>([
    ["chat/completions", chat(modelOf(kind), "Hello", { stream: true, seed: 1 })],
    ["completions", { model: modelOf(kind), prompt: "Once", stream: true, seed: 1 }],
  ])("streams as the first: %s", async (path, body) => {
    const first = await readStream(await post(proof(), `/v1/${path}`, body));
    const other = await readStream(await post(proof(), `/api/v1/ai/${path}`, body));
    expect(other).toMatchObject({ text: first.text, finishes: first.finishes, done: true });
  });
});

it("lists the models at the other address, too", async () => {
  for (const path of ["models", `models/${modelOf("ollama")}`, "models/nobody"]) {
    const [first, other] = [await get(proof(), `/v1/${path}`), await get(proof(), `/api/v1/ai/${path}`)];
    expect(other.status).toBe(first.status);
    expect(await other.json()).toEqual(await first.json());
  }
});

const SHORT = ["/api/v1/ai/generate", "/api/v1/generate", "/generate"];

describe.each(SHORT)("%s", (path) => {
  it.each(["vllm", "ollama"])("answers a prompt as a chat of %s would be answered", async (kind) => {
    const more = { max_tokens: 20, temperature: 0, seed: 7, stop: ["zzz"] };
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hello" },
    ];
    const chatted = await post(proof(), "/v1/chat/completions", { model: modelOf(kind), messages, ...more });
    const { choices, usage } = (await chatted.json()) as {
      choices: { message: { content: string }; finish_reason: string }[];
      usage: unknown;
    };
    const response = await post(proof(), path, {
      model: modelOf(kind),
      prompt: "Hello",
      system: "Be brief.",
      ...more,
    });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as Generation;
    expect(answer).toEqual({
      object: "generation",
      id: `gen-${response.headers.get("x-request-id")}`,
      text: choices[0]?.message.content,
      model: modelOf(kind),
      finish_reason: choices[0]?.finish_reason,
      usage,
      latency_ms: expect.any(Number),
      created: expect.any(Number),
    });
    const [first, second] = generationsOf(proof().sim(kind).seen().requests);
    const sent = ({ body }: { body: unknown }) => ({ ...(body as Json), request_id: "" });
    expect(first && second && sent(second)).toEqual(first && sent(first));
    expect(await proof().lineOf(response)).toMatchObject({ operation: "chat", path, usage });
  });

  it("streams the events of a chat", async () => {
    const body = { prompt: "Hello", model: modelOf("vllm"), seed: 7 };
    const whole = (await (await post(proof(), path, body)).json()) as Generation;
    const streamed = await readStream(await post(proof(), path, { ...body, stream: true }));
    expect(streamed).toMatchObject({
      text: whole.text,
      finishes: [whole.finish_reason],
      done: true,
      usage: undefined,
    });
  });
});

describe("a short request", () => {
  const PATH = "/api/v1/ai/generate";

  it("is answered by whatever there is, where it names no model", async () => {
    const answer = (await (await post(proof(), PATH, { prompt: "Hello" })).json()) as Generation;
    expect(answer.text.length).toBeGreaterThan(0);
  });

  it("names its engine to operators alone", async () => {
    const body = { prompt: "Hello", model: modelOf("ollama") };
    const told = await post(proof(), PATH, body, { headers: operator() });
    expect(await told.json()).toMatchObject({ engine: "ollama" });
    expect(await (await post(proof(), PATH, body)).json()).not.toHaveProperty("engine");
  });

  it.each<[string, body: unknown, param: string | null, word: string]>([
    ["both forms", { prompt: "Hi", messages: [{ role: "user", content: "Hi" }] }, "messages", "prompt"],
    ["neither form", { model: "m" }, "prompt", "messages"],
    ["a member that is not known", { prompt: "Hi", top_k: 5 }, null, "top_k"],
    ["a message that is none", { messages: [{ role: "user" }] }, "messages[0].content", "content"],
    ["no JSON", "prompt=Hi", null, "JSON"],
  ])("is refused for %s, and no engine hears of it", async (_, body, param, word) => {
    for (const path of SHORT) {
      const response = await post(proof(), path, body);
      expect(response.status).toBe(400);
      const error = await errorOf(response);
      expect(error.param).toBe(param);
      expect(error.message).toContain(word);
    }
    for (const kind of ["vllm", "ollama"]) expect(proof().sim(kind).seen().accepted).toBe(0);
  });

  it("of an unknown model is a 404", async () => {
    const response = await post(proof(), PATH, { prompt: "Hi", model: "nobody" });
    expect(response.status).toBe(404);
    expect((await errorOf(response)).code).toBe("model_not_found");
  });

  it("needs a key, and POST", async () => {
    for (const path of [...SHORT, "/api/v1/ai/embed"]) {
      expect((await post(proof(), path, { prompt: "Hi" }, { headers: { authorization: "" } })).status).toBe(
        401,
      );
      const got = await get(proof(), path);
      expect(got.status).toBe(405);
      expect(got.headers.get("allow")).toBe("POST");
    }
  });
});

describe("/api/v1/ai/embed", () => {
  it("answers as embeddings are answered", async () => {
    const model = modelOf("ollama");
    const [one, several] = [
      { model, text: "a cat" },
      { model, texts: ["a cat", "a dog"] },
    ];
    expect(await bodies("/api/v1/ai/embed", one)).toEqual(
      await bodies("/v1/embeddings", { model, input: "a cat" }),
    );
    expect(await bodies("/api/v1/ai/embed", several)).toEqual(
      await bodies("/v1/embeddings", { model, input: ["a cat", "a dog"] }),
    );
  });

  it("takes a model that embeds, where it names none", async () => {
    const response = await post(proof(), "/api/v1/ai/embed", { texts: ["a", "b"] });
    expect(response.status).toBe(200);
    expect(await proof().lineOf(response)).toMatchObject({ operation: "embedding", engine: "vllm" });
  });

  it.each<[object, string]>([
    [{ texts: [] }, "texts"],
    [{ text: "a", texts: ["b"] }, "texts"],
    [{ text: 5 }, "text"],
  ])("refuses %j", async (body, param) => {
    const response = await post(proof(), "/api/v1/ai/embed", body);
    expect(response.status).toBe(400);
    expect((await errorOf(response)).param).toBe(param);
  });
});
