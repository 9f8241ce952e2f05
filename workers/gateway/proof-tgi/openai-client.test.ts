import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { embed, predictChat } from "../../../engines-infra/simulator/index.ts";
import type { Feature } from "../../../shared/engines/abilities.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { KINDS, generationsOf, modelOf, proofForFile } from "./harness.ts";
import { WEATHER_TOOL, NOTE_SCHEMA } from "../../../engines-infra/simulator/samples.ts";

const proof = proofForFile();

const client = (more: ConstructorParameters<typeof OpenAI>[0] = {}): OpenAI =>
  new OpenAI({
    baseURL: `${proof().url}/v1`,
    apiKey: proof().key,
    fetch: proof().fetch,
    maxRetries: 0,
    ...more,
  });

const user = (content: string): OpenAI.ChatCompletionUserMessageParam[] => [{ role: "user", content }];

/** The choice of an answer that has one. */
function only<Choice>(answer: { choices: Choice[] }): Choice {
  expect(answer.choices).toHaveLength(1);
  return answer.choices[0] as Choice;
}

describe.each(KINDS)("the openai client with %s", (kind) => {
  const model = modelOf(kind);
  const sim = () => proof().sim(kind);
  const cannot = (feature: Feature) => engines[kind].abilities[feature] === "refused";
  const sent = () => generationsOf(sim().seen().requests).at(-1)?.body as Record<string, unknown>;

  it("chats", async () => {
    const body = { model, messages: user("Say hello to the gateway"), max_tokens: 24 };
    const answer = await client().chat.completions.create(body);
    const expected = predictChat(body);
    expect(only(answer)).toMatchObject({
      index: 0,
      finish_reason: expected.finish,
      message: { role: "assistant", content: expected.text },
    });
    expect(answer.usage).toMatchObject({
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.completionTokens,
      total_tokens: expected.promptTokens + expected.completionTokens,
    });
  });

  it("streams the same text", async () => {
    const body = { model, messages: user("Tell me a story"), max_completion_tokens: 24 };
    const expected = predictChat(body);
    const stream = await client().chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect({ text, finish }).toEqual({ text: expected.text, finish: expected.finish });
    expect(usage).toMatchObject({
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.completionTokens,
    });
  });

  it("calls a tool, takes its result, and answers", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = user("[tool] What is the weather in Paris?");
    const asked = only(await client().chat.completions.create({ model, messages, tools: [WEATHER_TOOL] }));
    expect(asked.finish_reason).toBe("tool_calls");
    const [call] = asked.message.tool_calls ?? [];
    if (call?.type !== "function") throw new Error("no function was called");
    expect(call.function.name).toBe("get_weather");
    expect(JSON.parse(call.function.arguments)).toMatchObject({
      city: expect.any(String),
      days: expect.any(Number),
    });
    const result = { role: "tool" as const, tool_call_id: call.id, content: '{"sky":"clear"}' };
    const answered = only(
      await client().chat.completions.create({
        model,
        messages: [...messages, asked.message, result],
        tools: [WEATHER_TOOL],
      }),
    );
    expect(answered.finish_reason).toBe("stop");
    expect(answered.message.content).not.toBe("");
    const [, , tool] = sent().messages as Record<string, unknown>[];
    expect(tool).toMatchObject({ role: "tool", content: '{"sky":"clear"}', tool_call_id: call.id });
  });

  it("streams tool calls whose joined arguments are JSON", async () => {
    const runner = client().chat.completions.stream({
      model,
      messages: user("[tools=2] Weather in Rome and Oslo?"),
      tools: [WEATHER_TOOL],
    });
    const calls = only(await runner.finalChatCompletion()).message.tool_calls ?? [];
    // TGI's grammar allows one call of an answer.
    const most = kind === "tgi" ? 1 : 2;
    expect(calls).toHaveLength(most);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(most);
    for (const call of calls) {
      if (call.type !== "function") throw new Error("no function was called");
      expect(JSON.parse(call.function.arguments)).toHaveProperty("city");
    }
  });

  it.skipIf(cannot("json_object"))("gives JSON when a JSON object is asked for", async () => {
    const answer = await client().chat.completions.create({
      model,
      messages: user("As JSON, please"),
      response_format: { type: "json_object" },
    });
    expect(JSON.parse(only(answer).message.content ?? "")).toBeTypeOf("object");
  });

  it("keeps to a JSON schema, read by the client's parse helper", async () => {
    const answer = await client().chat.completions.parse({
      model,
      messages: user("Write a note as JSON"),
      response_format: {
        type: "json_schema",
        json_schema: { name: "note", schema: NOTE_SCHEMA, strict: true },
      },
    });
    expect(only(answer).message.parsed).toMatchObject({
      title: expect.any(String),
      score: expect.any(Number),
      tags: expect.any(Array),
    });
  });

  it.each([false, true])("tells log probabilities (stream: %s)", async (stream) => {
    const body = { model, messages: user("How likely?"), max_tokens: 6, logprobs: true, top_logprobs: 2 };
    const tokens: OpenAI.ChatCompletionTokenLogprob[] = [];
    if (stream) {
      for await (const chunk of await client().chat.completions.create({ ...body, stream: true }))
        tokens.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    } else {
      tokens.push(...(only(await client().chat.completions.create(body)).logprobs?.content ?? []));
    }
    expect(tokens.map(({ token }) => token).join("")).toBe(predictChat(body).text);
    for (const token of tokens) {
      expect(token.logprob).toBeLessThanOrEqual(0);
      expect(token.top_logprobs).toHaveLength(2);
    }
  });

  it.each(["one text", ["several", "texts"]])("stops at %j", async (stops) => {
    const free = predictChat({ messages: user("Stop me") }).text;
    const words = free.split(" ");
    const stop = typeof stops === "string" ? (words[4] ?? "") : [words[6] ?? "", "never said"];
    const body = { model, messages: user("Stop me"), stop };
    const answer = only(await client().chat.completions.create(body));
    expect(answer).toMatchObject({ finish_reason: "stop", message: { content: predictChat(body).text } });
    expect((answer.message.content ?? "").length).toBeLessThan(free.length);
  });

  it("hands the seed on: the same seed gives the same text, another one another", async () => {
    const said = async (seed: number) =>
      only(
        await client().chat.completions.create({
          model,
          messages: user("Roll the dice"),
          seed,
          max_tokens: 16,
        }),
      ).message.content;
    const [first, again, other] = [await said(1), await said(1), await said(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it.each(["max_tokens", "max_completion_tokens"])("ends at %s, and says so", async (limit) => {
    const answer = await client().chat.completions.create({
      model,
      messages: user("Go on and on"),
      [limit]: 5,
    });
    expect(only(answer).finish_reason).toBe("length");
    expect(answer.usage?.completion_tokens).toBe(5);
  });

  it("completes a text, whole and streamed", async () => {
    const body = { model, prompt: "Once upon a time", max_tokens: 12 };
    const whole = only(await client().completions.create(body));
    expect(whole.text).not.toBe("");
    let text = "";
    for await (const chunk of await client().completions.create({ ...body, stream: true }))
      text += chunk.choices[0]?.text ?? "";
    expect(text).toBe(whole.text);
  });

  it.skipIf(cannot("embedding"))(
    "embeds, in the form that the client asks for and in numbers, with the same vectors",
    async () => {
      const input = ["first text", "second text"];
      const asked = await client().embeddings.create({ model, input });
      const numbers = await client().embeddings.create({ model, input, encoding_format: "float" });
      for (const [at, text] of input.entries()) {
        const vector = asked.data[at]?.embedding ?? [];
        const expected = embed(text);
        expect(vector).toHaveLength(expected.length);
        for (const [n, value] of expected.entries()) expect(vector[n]).toBeCloseTo(value, 5);
        expect(numbers.data[at]?.embedding).toHaveLength(expected.length);
      }
      expect(asked.data.map(({ index }) => index)).toEqual([0, 1]);
      expect(asked.usage.total_tokens).toBe(asked.usage.prompt_tokens);
      expect(asked.usage.prompt_tokens).toBeGreaterThan(0);
    },
  );

  it.skipIf(cannot("embedding"))("embeds one text given as a text", async () => {
    const { data } = await client().embeddings.create({ model, input: "alone" });
    expect(data).toHaveLength(1);
  });

  it("lists its model and shows it", async () => {
    const { data } = await client().models.list();
    const listed = data.find(({ id }) => id.startsWith(model));
    expect(listed).toMatchObject({ object: "model", engines: [kind] });
    expect(await client().models.retrieve(model)).toEqual(listed);
  });

  it("stops the engine within a second of an abort", async () => {
    const stream = await client().chat.completions.create({
      model,
      messages: user("[sim gap=20 tokens=2000]"),
      stream: true,
    });
    for await (const _ of stream) break;
    stream.controller.abort();
    const { requests } = await sim().waitFor((seen) => generationsOf(seen.requests)[0]?.state === "aborted");
    // A second at its own pace, which a busy machine slows as it slows the news of the abort.
    expect(generationsOf(requests)[0]?.tokens).toBeLessThan(50);
  });

  it("throws where the engine fails in mid-stream", async () => {
    const stream = await client().chat.completions.create({
      model,
      messages: user("[sim error=4]"),
      stream: true,
    });
    let text = "";
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    };
    await expect(read()).rejects.toThrow(OpenAI.APIError);
    expect(text).not.toBe("");
  });
});

describe("errors of the openai client", () => {
  const messages = user("Hello");
  const model = modelOf("vllm");
  const create = (body: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}, more = {}) =>
    client(more).chat.completions.create({ model, messages, ...body });

  it.each<[string, () => Promise<unknown>, abstract new (...args: never[]) => Error, object]>([
    [
      "a key that is none",
      () => create({}, { apiKey: "sk-other-platform" }),
      OpenAI.AuthenticationError,
      { status: 401, code: "invalid_api_key" },
    ],
    [
      "a model that is not served",
      () => create({ model: "sim-vlm" }),
      OpenAI.NotFoundError,
      { status: 404, code: "model_not_found", param: "model" },
    ],
    [
      "a field out of range",
      () => create({ temperature: 3 }),
      OpenAI.BadRequestError,
      { status: 400, param: "temperature" },
    ],
    [
      "a busy engine",
      () => create({ messages: user("[sim overload]") }),
      OpenAI.RateLimitError,
      { status: 429, code: "engines_overloaded" },
    ],
    [
      "an engine that fails",
      () => create({ messages: user("[sim status=500]") }),
      OpenAI.InternalServerError,
      { status: 502, code: "engine_failed" },
    ],
    [
      "an image that the engine cannot read",
      () =>
        create({
          messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "nowhere" } }] }],
        }),
      OpenAI.UnprocessableEntityError,
      { status: 422 },
    ],
  ])("are of the right class for %s", async (_, ask, errorClass, members) => {
    const error = await ask().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(errorClass);
    expect(error).toMatchObject(members);
    expect((error as InstanceType<typeof OpenAI.APIError>).requestID).toMatch(/^req_/);
  });

  it("retries after the time that Retry-After says", async () => {
    const beganMs = performance.now();
    const answer = await create(
      { model: modelOf("openai"), messages: user("[sim overload once] Try again") },
      { maxRetries: 1 },
    );
    expect(answer.choices[0]?.message.content).toBe(predictChat({ messages: user("Try again") }).text);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(990);
    expect(proof().sim("openai").seen().accepted).toBe(2);
  });
});
