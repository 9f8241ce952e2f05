import { describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import { chat, post, readStream } from "./asking.ts";
import { type EngineSpec, generationsOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";

/**
 * Engines that begin an answer, each relayed in its own way, and one that can go on with it. All have the same weights: what
 * one would have said, the other says.
 */
const BEGINNERS = ["llama-cpp", "openai", "vllm", "ollama"] as const;
const SUCCESSORS = ["vllm", "llama-cpp", "ollama"] as const;

/** Tokens of an answer, one event each, behind the one with the role. */
const TOKENS = 12;

/** Every place in the stream once for each way of relaying; elsewhere its beginning, its middle and its end. */
const placesOf = (from: string, to: string): readonly number[] =>
  to === "vllm" && from !== "openai" ? Array.from({ length: TOKENS }, (_, at) => at + 1) : [1, 6, TOKENS];

/** Pairs of engines that serve a model of their own; the first has all the weight, so that it is asked first. */
const PAIRS = BEGINNERS.flatMap((from) =>
  SUCCESSORS.map((to) => ({ from, to, name: `${from}-to-${to}`, places: placesOf(from, to) })),
);
const ENGINES: readonly EngineSpec[] = PAIRS.flatMap(({ from, to, name }) => [
  { kind: from, id: `${name}-a`, sim: { models: [name] }, config: { weight: 1000 } },
  {
    kind: to,
    id: `${name}-b`,
    sim: { models: [name] },
    config: { weight: 0, ...(to === "ollama" && { continues: true }) },
  },
]);

const proof = proofForFile([
  ...ENGINES,
  { kind: "vllm", id: "untold-a", sim: { models: ["untold"] }, config: { weight: 1000 } },
  { kind: "ollama", id: "untold-b", sim: { models: ["untold"] }, config: { weight: 0 } },
]);
const FRAME_TOKENS_MAX = 4;
const usageShown = { stream: true, stream_options: { include_usage: true } };

const ask = (model: string, content: string, more: Record<string, unknown> = {}, headers = {}) =>
  post(proof(), CHAT, chat(model, content, { ...usageShown, ...more }), { headers });

/** What an unbroken answer would have been. */
const whole = (content: string) => predictChat({ messages: [{ role: "user", content }] });

describe.each(PAIRS)("an answer that $from began and $to went on with", ({ name, places }) => {
  // A role, the tokens, a finish and the usage come before the end mark; Ollama has a line for each token alone.
  it.each(["die", "fin", "cutin"])("reads as one, wherever the first engine was lost (%s)", async (fault) => {
    for (const at of places) {
      const content = `Tell me of bridges, no. ${at} [sim tokens=${TOKENS}] [sim on=${name}-a ${fault}=${at}]`;
      const response = await ask(name, content);
      const heard = await readStream(response);
      const { text, finish, completionTokens, promptTokens } = whole(content);
      expect(heard, `${fault}=${at}`).toMatchObject({
        text,
        finishes: [finish],
        done: true,
        error: undefined,
      });
      expect(new Set(heard.chunks.map(({ id }) => id)).size).toBe(1);
      expect(heard.chunks.filter(({ choices }) => choices[0]?.delta?.role).length).toBe(1);
      expect(heard.usage).toMatchObject({ completion_tokens: completionTokens });
      // The successor's own count, without what was written before: it may count a frame around that, and joins tokens at
      // the seam.
      expect(Math.abs((heard.usage?.prompt_tokens ?? 0) - promptTokens)).toBeLessThanOrEqual(
        FRAME_TOKENS_MAX,
      );
    }
  });

  it("says in its log line which engine went on, and is asked of it once", async () => {
    const response = await ask(name, `Why? [sim tokens=${TOKENS}] [sim on=${name}-a die=5]`);
    await response.text();
    expect(await proof().lineOf(response)).toMatchObject({
      outcome: "complete",
      engine: `${name}-b`,
      continued: [{ from: `${name}-a`, to: `${name}-b` }],
      attempts: [{ engine: `${name}-a` }],
    });
    expect(generationsOf(proof().sim(`${name}-b`).seen().requests)).toHaveLength(1);
  });
});

describe("an answer that broke off is not gone on with", () => {
  const name = "vllm-to-vllm";
  const broken = `[sim tokens=${TOKENS}] [sim on=${name}-a die=6]`;
  const heardOf = async (content: string, more: Record<string, unknown> = {}, headers = {}) => {
    const response = await ask(name, content, more, headers);
    return { heard: await readStream(response), line: await proof().lineOf(response) };
  };

  it("where the client wants none of it", async () => {
    const { heard } = await heardOf(`No ${broken}`, {}, { "x-eco-continue": "off" });
    expect(heard).toMatchObject({ done: false, error: { code: "engine_failed" } });
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ["after reasoning", `[think] ${broken}`, {}, "reasoning"],
    ["with log probabilities", broken, { logprobs: true }, "log probabilities"],
    ["of several choices", broken, { n: 2 }, "several choices"],
    ["in a form that was asked for", broken, { response_format: { type: "json_object" } }, "a form of text"],
    [
      "after a tool call",
      `[tool] [sim on=${name}-a die=4]`,
      {
        tools: [
          {
            type: "function",
            function: { name: "f", parameters: { type: "object", properties: { a: { type: "string" } } } },
          },
        ],
      },
      "a tool call",
    ],
  ])("%s", async (_, content, more, why) => {
    const { heard, line } = await heardOf(content, more);
    expect(heard).toMatchObject({ done: false, error: { code: "engine_failed" } });
    expect(line.not_continued).toContain(why);
  });

  it("by Ollama, whose templates may not leave an answer open, unless its operator says that they do", async () => {
    const heard = await readStream(
      await ask("untold", `Untold [sim tokens=${TOKENS}] [sim on=untold-a die=6]`),
    );
    expect(heard).toMatchObject({ done: false, error: { code: "engine_failed" } });
  });

  it("by an engine that cannot: the client is told, and nothing is said twice", async () => {
    const only = "openai-to-vllm";
    await proof().sim(`${only}-b`).kill();
    const content = `Alone [sim tokens=${TOKENS}] [sim on=${only}-a die=6]`;
    const heard = await readStream(await ask(only, content));
    await proof().sim(`${only}-b`).revive();
    expect(heard).toMatchObject({ done: false, error: { code: "engine_failed" } });
    expect(whole(content).text.startsWith(heard.text)).toBe(true);
  });
});
