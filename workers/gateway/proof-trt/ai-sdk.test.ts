import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embed, embedMany, generateText, jsonSchema, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { embed as expectedVector, predictChat } from "../../../engines-infra/simulator/index.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { KINDS, modelOf, proofForFile } from "./harness.ts";
import { WEATHER_TOOL } from "../../../engines-infra/simulator/samples.ts";

const proof = proofForFile();

const provider = (key = proof().key) =>
  createOpenAICompatible({
    name: "eco",
    baseURL: `${proof().url}/v1`,
    apiKey: key,
    fetch: proof().fetch,
    includeUsage: true,
  });

const predict = (prompt: string) => predictChat({ messages: [{ role: "user", content: prompt }] });

const weather = () =>
  tool({
    description: WEATHER_TOOL.function.description,
    inputSchema: jsonSchema<{ city: string; days: number }>(WEATHER_TOOL.function.parameters as object),
    execute: ({ city }) => ({ city, sky: "clear" }),
  });

describe.each(KINDS)("the AI SDK with %s", (kind) => {
  const model = () => provider()(modelOf(kind));

  it("generates a text", async () => {
    const prompt = "Say hello to the gateway";
    const { text, finishReason, usage } = await generateText({ model: model(), prompt, maxRetries: 0 });
    const expected = predict(prompt);
    expect({ text, finishReason }).toEqual({ text: expected.text, finishReason: "stop" });
    expect(usage).toMatchObject({
      inputTokens: expected.promptTokens,
      outputTokens: expected.completionTokens,
    });
  });

  it("streams a text", async () => {
    const prompt = "Tell me a story [sim split=5]";
    const result = streamText({ model: model(), prompt, maxRetries: 0 });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    expect(text).toBe(predict(prompt).text);
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBe(predict(prompt).completionTokens);
  });

  it.each([false, true])("calls a tool (stream: %s)", async (stream) => {
    const question = {
      model: model(),
      prompt: "[tool] What is the weather in Paris?",
      tools: { get_weather: weather() },
      maxRetries: 0,
    };
    const result = stream ? streamText(question) : await generateText(question);
    const [call] = await result.toolCalls;
    expect(await result.finishReason).toBe("tool-calls");
    expect(call).toMatchObject({
      toolName: "get_weather",
      input: { city: expect.any(String), days: expect.any(Number) },
    });
    expect(await result.toolResults).toMatchObject([{ output: { sky: "clear" } }]);
  });

  it.skipIf(engines[kind].abilities.embedding === "refused")("embeds one and many", async () => {
    const embedder = provider().embeddingModel(modelOf(kind));
    const one = await embed({ model: embedder, value: "alone", maxRetries: 0 });
    const many = await embedMany({ model: embedder, values: ["alone", "together"], maxRetries: 0 });
    expect(one.embedding).toEqual(many.embeddings[0]);
    for (const [at, value] of expectedVector("alone").entries())
      expect(one.embedding[at]).toBeCloseTo(value, 5);
    expect(many.embeddings).toHaveLength(2);
    expect(many.usage.tokens).toBeGreaterThan(0);
  });

  it.each(["error=3", "die=3", "fin=3", "cutin=3", "abort=2", "onlydone", "html"])(
    "tells that a stream failed (%s)",
    async (fault) => {
      const failures: unknown[] = [];
      const result = streamText({
        model: model(),
        prompt: `Fail me [sim tokens=6 ${fault}]`,
        maxRetries: 0,
        onError: ({ error }) => void failures.push(error),
      });
      for await (const _ of result.fullStream);
      expect(failures).not.toEqual([]);
      expect(await Promise.resolve(result.finishReason).catch(() => "none")).not.toBe("stop");
    },
  );
});

describe("errors of the AI SDK", () => {
  it.each<[string, string, string | undefined, number, boolean]>([
    ["an unknown key", modelOf("openai"), "sk-nothing", 401, false],
    ["an unknown model", "no-such-model", undefined, 404, false],
    ["a refused prompt", modelOf("openai"), undefined, 400, false],
    ["a busy engine", modelOf("openai"), undefined, 429, true],
    ["an engine that fails", modelOf("openai"), undefined, 502, true],
  ])("carry status, message and whether to retry for %s", async (_, model, key, status, isRetryable) => {
    const prompt = `Hello${status === 429 ? " [sim overload]" : status === 502 ? " [sim status=500]" : status === 400 ? " [sim status=400]" : ""}`;
    const error = await generateText({ model: provider(key)(model), prompt, maxRetries: 0 }).catch(
      (reason: unknown) => reason,
    );
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: status, isRetryable, message: expect.stringMatching(/./) });
  });

  it("retries by itself where it is worth it", async () => {
    const prompt = "[sim overload once] Try again";
    const { text } = await generateText({ model: provider()(modelOf("openai")), prompt, maxRetries: 1 });
    expect(text).toBe(predict("Try again").text);
    expect(proof().sim("openai").seen().accepted).toBe(2);
  });
});
