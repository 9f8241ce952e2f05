import { describe, expect, it } from "vitest";
import { predictChat } from "./predict.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import type { Simulator } from "./simulator.ts";
import { CHAT_KINDS, chat, events, joined, post, withSimulator } from "./testing.ts";

const CHAT = "/v1/chat/completions";
// DeepSpeed-MII ignores nearly all of what follows: deepspeed.test.ts shows it.
const ALL = CHAT_KINDS.filter((kind) => kind !== "deepspeed");

/** By what a kind is asked to go on from a closing assistant message; the others do it unasked. */
const GOES_ON: Partial<Record<SimulatedKind, object>> = {
  sglang: { continue_final_message: true },
  "tensorrt-llm": {
    chat_template_kwargs: { continue_final_message: true },
    add_generation_prompt: false,
  },
  vllm: { continue_final_message: true, add_generation_prompt: false },
};

/** Kinds that do much of this in a way of their own, which their own tests show. */
const OWN_WAY: ReadonlySet<SimulatedKind> = new Set<SimulatedKind>(["lmdeploy", "tgi"]);

/** Where a kind puts its reasoning; the others have none to show. */
const REASONING: Partial<Record<SimulatedKind, string>> = {
  "llama-cpp": "reasoning_content",
  lmdeploy: "reasoning_content",
  ollama: "reasoning",
  sglang: "reasoning_content",
  "tensorrt-llm": "reasoning_content",
  vllm: "reasoning",
};

const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
};
const TOOLS = ["weather", "time"].map((name) => ({
  type: "function",
  function: { name, parameters: PARAMETERS },
}));

async function answered(sim: Simulator, path: string, body: unknown) {
  const heard = await post(sim, path, body);
  expect(heard.status, heard.text).toBe(200);
  return JSON.parse(heard.text);
}

const whole = (content: string, more: Record<string, unknown> = {}) => ({
  ...chat(content),
  stream: false,
  ...more,
});

describe.each(ALL)("%s", (kind) => {
  const test = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind, slots: 8 }, run);

  it(
    "says what was predicted, whole and streamed, and counts it the same",
    test(async (sim) => {
      const body = whole("Predict this, please", { seed: 7 });
      const expected = predictChat(body);
      const { choices, usage } = await answered(sim, CHAT, body);
      expect(choices[0].message.content).toBe(expected.text);
      expect(choices[0].finish_reason).toBe(expected.finish);
      expect(usage).toMatchObject({
        prompt_tokens: expected.promptTokens,
        completion_tokens: expected.completionTokens,
      });
      expect(joined((await post(sim, CHAT, { ...body, stream: true })).text)).toBe(expected.text);
    }),
  );

  it(
    "stops at the token limit and says so",
    test(async (sim) => {
      const { choices, usage } = await answered(sim, CHAT, whole("Hello", { max_tokens: 5 }));
      expect(choices[0].finish_reason).toBe("length");
      expect(usage.completion_tokens).toBe(5);
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "stops before a stop string",
    test(async (sim) => {
      const full: string = predictChat(whole("Hello")).text;
      const stop = full.slice(20, 26);
      const { choices } = await answered(sim, CHAT, whole("Hello", { stop: [stop] }));
      expect(choices[0].message.content).toBe(full.slice(0, full.indexOf(stop)));
      expect(choices[0].finish_reason).toBe("stop");
      expect(joined((await post(sim, CHAT, chat("Hello", { stop }))).text)).toBe(
        full.slice(0, full.indexOf(stop)),
      );
    }),
  );

  it(
    "goes on from a closing assistant message as that engine does",
    test(async (sim) => {
      const full = predictChat(whole("Hello")).text;
      const messages = [...chat("Hello").messages, { role: "assistant", content: full.slice(0, 30) }];
      const { choices } = await answered(sim, CHAT, { ...whole(""), messages, ...GOES_ON[kind] });
      // llama-server says the beginning again in a whole answer.
      expect(choices[0].message.content).toBe(kind === "llama-cpp" ? full : full.slice(30));
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "calls a function with arguments that fit its schema",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("[tool] Weather?", { tools: TOOLS }));
      expect(choices[0].finish_reason).toBe("tool_calls");
      expect(choices[0].message.tool_calls).toHaveLength(1);
      const { id, type, function: fn } = choices[0].message.tool_calls[0];
      expect(id).toMatch(/^\S+$/);
      expect([type, fn.name]).toEqual(["function", "weather"]);
      expect(JSON.parse(fn.arguments)).toEqual({ city: expect.any(String), days: expect.any(Number) });
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "streams two calls whose pieces join to the same arguments",
    test(async (sim) => {
      const body = whole("[tools=2] Both!", { tools: TOOLS });
      const { choices } = await answered(sim, CHAT, body);
      const expected = choices[0].message.tool_calls.map((call: { function: object }) => call.function);
      const { text } = await post(sim, CHAT, { ...body, stream: true });
      const calls: { name: string; arguments: string }[] = [];
      for (const event of events(text).filter((each) => each.startsWith("{"))) {
        for (const { index, function: fn } of JSON.parse(event).choices[0]?.delta.tool_calls ?? []) {
          calls[index] ??= { name: "", arguments: "" };
          calls[index].name += fn.name ?? "";
          calls[index].arguments += fn.arguments;
        }
      }
      expect(calls).toEqual(expected);
      expect(text).toContain('"finish_reason":"tool_calls"');
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "answers in JSON that fits a schema",
    test(async (sim) => {
      const response_format = { type: "json_schema", json_schema: { name: "x", schema: PARAMETERS } };
      const { choices } = await answered(sim, CHAT, whole("Hello", { response_format }));
      expect(JSON.parse(choices[0].message.content)).toEqual({
        city: expect.any(String),
        days: expect.any(Number),
      });
    }),
  );

  it(
    "reasons in its own field, or not at all",
    test(async (sim) => {
      const field = REASONING[kind];
      const { choices } = await answered(sim, CHAT, whole("[think] Hello"));
      const { text } = await post(sim, CHAT, chat("[think] Hello"));
      if (field) {
        expect(choices[0].message[field].length).toBeGreaterThan(10);
        expect(text.replaceAll('": "', '":"')).toContain(`"${field}":"`);
      } else expect(JSON.stringify(choices) + text).not.toMatch(/"reasoning\w*":"/);
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "embeds texts as unit vectors, the same in both encodings",
    test(async (sim) => {
      const body = { model: "sim-model", input: ["a river of stone", "a stone river", "seven warm papers"] };
      const { data, usage } = await answered(sim, "/v1/embeddings", body);
      const vectors: number[][] = data.map(({ embedding }: { embedding: number[] }) => embedding);
      const dot = (a: number[] = [], b: number[] = []) =>
        a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
      expect(dot(vectors[0], vectors[0])).toBeCloseTo(1, 5);
      expect(dot(vectors[0], vectors[1])).toBeGreaterThan(dot(vectors[0], vectors[2]));
      expect(usage.prompt_tokens).toBe(10);
      const base64 = await answered(sim, "/v1/embeddings", { ...body, encoding_format: "base64" });
      const raw = Buffer.from(base64.data[0].embedding, "base64");
      const floats = new Float32Array(new Uint8Array(raw).buffer);
      expect([...floats]).toEqual(vectors[0]?.map(Math.fround));
    }),
  );

  it.skipIf(OWN_WAY.has(kind))(
    "gives token logprobs that join to the text",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("Hello", { logprobs: true, top_logprobs: 2 }));
      const { content } = choices[0].logprobs;
      expect(content.map(({ token }: { token: string }) => token).join("")).toBe(choices[0].message.content);
      expect(content[0].top_logprobs).toHaveLength(2);
      expect(Buffer.from(content.flatMap(({ bytes }: { bytes: number[] }) => bytes)).toString()).toBe(
        choices[0].message.content,
      );
    }),
  );
});

describe("several choices", () => {
  it.each(["vllm", "llama-cpp", "openai", "sglang", "tensorrt-llm"] as const)(
    "%s makes n different answers, streamed side by side",
    (kind) =>
      withSimulator({ kind }, async (sim) => {
        const { choices, usage } = await answered(sim, CHAT, whole("Hello [sim tokens=4]", { n: 3 }));
        const texts = choices.map(({ message }: { message: { content: string } }) => message.content);
        expect(new Set(texts).size).toBe(3);
        // llama-server tells the usage of each choice alone, and of a whole answer that of the first.
        expect(usage.completion_tokens).toBe(kind === "llama-cpp" ? 4 : 12);
        const { text } = await post(sim, CHAT, chat("Hello [sim tokens=4]", { n: 3 }));
        const streamed = ["", "", ""];
        for (const event of events(text).filter((each) => each.startsWith("{"))) {
          const [choice] = JSON.parse(event).choices;
          streamed[choice.index] += choice.delta.content ?? "";
        }
        expect(streamed).toEqual(texts);
      }),
  );

  it("ollama ignores n and max_completion_tokens", () =>
    withSimulator({ kind: "ollama" }, async (sim) => {
      const { choices, usage } = await answered(
        sim,
        CHAT,
        whole("Hello", { n: 3, max_completion_tokens: 2 }),
      );
      expect(choices).toHaveLength(1);
      expect(usage.completion_tokens).toBeGreaterThan(20);
    }));
});

describe("tool choices", () => {
  it.each<[SimulatedKind, unknown, string | undefined, string]>([
    ["vllm", "required", "weather", "tool_calls"],
    ["vllm", { type: "function", function: { name: "time" } }, "time", "stop"],
    ["openai", { type: "function", function: { name: "time" } }, "time", "stop"],
    ["openai", "none", undefined, "stop"],
    ["llama-cpp", "required", "weather", "tool_calls"],
    ["llama-cpp", { type: "function", function: { name: "time" } }, undefined, "stop"],
    ["ollama", "required", undefined, "stop"],
    ["tensorrt-llm", "required", undefined, "stop"],
    ["tensorrt-llm", { type: "function", function: { name: "time" } }, "time", "stop"],
    ["sglang", "required", "weather", "tool_calls"],
    ["sglang", { type: "function", function: { name: "time" } }, "time", "tool_calls"],
  ])("%s reads %j as a call of %s that ends with %s", (kind, tool_choice, name, finish) =>
    withSimulator({ kind }, async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("Hello", { tools: TOOLS, tool_choice }));
      expect(choices[0].message.tool_calls?.[0]?.function.name).toBe(name);
      expect(choices[0].finish_reason).toBe(finish);
    }),
  );

  it("answers a tool's result with text", () =>
    withSimulator({ kind: "openai" }, async (sim) => {
      const call = {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", type: "function", function: { name: "weather", arguments: "{}" } }],
      };
      const messages = [
        ...chat("[tool] Weather?").messages,
        call,
        { role: "tool", tool_call_id: "a", content: "sunny" },
      ];
      const { choices } = await answered(sim, CHAT, { ...whole(""), messages, tools: TOOLS });
      expect(choices[0].finish_reason).toBe("stop");
    }));
});

describe("vllm", () => {
  const test = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind: "vllm" }, run);

  it(
    "starts a new turn after an assistant message unless asked to continue it",
    test(async (sim) => {
      const full = predictChat(whole("Hello")).text;
      const messages = [...chat("Hello").messages, { role: "assistant", content: full.slice(0, 30) }];
      const { choices } = await answered(sim, CHAT, { ...whole(""), messages });
      expect(choices[0].message.content).not.toBe(full.slice(30));
    }),
  );

  it(
    "ignores the guided fields that it dropped",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("Hello", { guided_json: PARAMETERS }));
      expect(choices[0].message.content).toBe(predictChat(whole("Hello")).text);
    }),
  );

  it(
    "takes prompts in all four forms, numbers choices across them, and defaults to 16 tokens",
    test(async (sim) => {
      const { tokens } = await answered(sim, "/tokenize", { prompt: "Once upon" });
      for (const prompt of ["Once upon", ["Once upon"], tokens, [tokens]]) {
        const { choices, usage } = await answered(sim, "/v1/completions", { prompt });
        expect(choices[0].text).toBe(
          (await answered(sim, "/v1/completions", { prompt: "Once upon" })).choices[0].text,
        );
        expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 16 });
      }
      const { choices } = await answered(sim, "/v1/completions", { prompt: ["a", "b"], n: 2, echo: true });
      expect(choices.map(({ index, text }: { index: number; text: string }) => [index, text[0]])).toEqual([
        [0, "a"],
        [1, "a"],
        [2, "b"],
        [3, "b"],
      ]);
    }),
  );

  it(
    "tells the running usage with continuous_usage_stats",
    test(async (sim) => {
      const stream_options = { include_usage: true, continuous_usage_stats: true };
      const { text } = await post(sim, CHAT, chat("Hello [sim tokens=3]", { stream_options }));
      const counts = events(text)
        .filter((event) => event.startsWith("{"))
        .map((event) => JSON.parse(event).usage.completion_tokens);
      expect(counts).toEqual([0, 1, 2, 3, 3, 3]);
    }),
  );
});

describe("llama-cpp", () => {
  it("answers by its alias whatever model is named, and has a different format without /v1", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      expect((await answered(sim, CHAT, whole("Hello", { model: "anything" }))).model).toBe("sim-model");
      const native = await answered(sim, "/completions", { prompt: "Hello", n_predict: 3 });
      expect(native).toMatchObject({ stop: true, stop_type: "limit", tokens_predicted: 3 });
      expect(native.content).toBe(
        (await answered(sim, "/v1/completions", { prompt: "Hello", max_tokens: 3 })).choices[0].text,
      );
      expect((await post(sim, "/completion", { prompt: "Hello", stream: true })).text).not.toContain(
        "[DONE]",
      );
    }));

  it("keeps the thoughts in the text with reasoning_format none", () =>
    withSimulator({ kind: "llama-cpp" }, async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("[think] Hello", { reasoning_format: "none" }));
      expect(choices[0].message.content).toMatch(/^<think>.*<\/think>/s);
      expect(choices[0].message.reasoning_content).toBeUndefined();
    }));
});

describe("sglang", () => {
  const test = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind: "sglang" }, run);

  it(
    "serves whatever model is named, and its first colon begins the name of an adapter",
    test(async (sim) => {
      expect((await answered(sim, CHAT, whole("Hello", { model: "anything" }))).model).toBe("anything");
      await answered(sim, "/load_lora_adapter", { lora_name: "sql", lora_path: "/adapters/sql" });
      expect((await answered(sim, CHAT, whole("Hello", { model: "sim-model:sql" }))).model).toBe(
        "sim-model:sql",
      );
      await answered(sim, "/unload_lora_adapter", { lora_name: "sql" });
      expect((await post(sim, CHAT, whole("Hello", { model: "sim-model:sql" }))).status).toBe(400);
      expect((await post(sim, "/unload_lora_adapter", { lora_name: "sql" })).status).toBe(400);
    }),
  );

  it(
    "names an answer by its rid, several prompts by one each, and several choices by new ones",
    test(async (sim) => {
      const completion = { prompt: "Once", max_tokens: 1, rid: "req_1" };
      const idsOf = async (more: object) => {
        const { text } = await post(sim, "/v1/completions", { ...completion, ...more, stream: true });
        const chunks = events(text).filter((each) => each.startsWith("{"));
        return [...new Set(chunks.map((chunk) => JSON.parse(chunk).id))];
      };
      expect(await idsOf({})).toEqual(["req_1"]);
      expect(await idsOf({ prompt: ["a", "b"] })).toEqual(["req_1_0", "req_1_1"]);
      expect(await idsOf({ n: 2 })).toEqual([
        expect.stringMatching(/^\w{32}$/),
        expect.stringMatching(/^\w{32}$/),
      ]);
    }),
  );

  it(
    "keeps the thoughts in the text with separate_reasoning off",
    test(async (sim) => {
      const { choices } = await answered(sim, CHAT, whole("[think] Hello", { separate_reasoning: false }));
      expect(choices[0].message.content).toMatch(/^<think>.*<\/think>/s);
      expect(choices[0].message.reasoning_content).toBeNull();
    }),
  );

  it(
    "takes a closing assistant message for the user's unless it is to be continued",
    test(async (sim) => {
      const said = (role: string) => ({ messages: [...chat("Hello").messages, { role, content: "And?" }] });
      const asUser = await answered(sim, CHAT, { ...whole(""), ...said("user") });
      const asAssistant = await answered(sim, CHAT, { ...whole(""), ...said("assistant") });
      expect(asAssistant.choices[0].message.content).toBe(asUser.choices[0].message.content);
    }),
  );

  it(
    "holds only a forced call to one at a time, and drops tools for a forced JSON answer",
    test(async (sim) => {
      const called = async (more: object) => {
        const body = whole("[tools=2] Both!", { tools: TOOLS, ...more });
        return (await answered(sim, CHAT, body)).choices[0].message.tool_calls?.length ?? 0;
      };
      expect(await called({ parallel_tool_calls: false })).toBe(2);
      expect(await called({ parallel_tool_calls: false, tool_choice: "required" })).toBe(1);
      expect(await called({ tool_choice: "required", response_format: { type: "json_object" } })).toBe(0);
    }),
  );

  it(
    "tells the running usage with continuous_usage_stats alone, but not with the role or the finish",
    test(async (sim) => {
      const stream_options = { continuous_usage_stats: true };
      const { text } = await post(sim, CHAT, chat("Hello [sim tokens=3]", { stream_options }));
      const counts = events(text)
        .filter((event) => event.startsWith("{"))
        .map((event) => JSON.parse(event).usage?.completion_tokens);
      expect(counts).toEqual([undefined, 1, 2, 3, undefined]);
    }),
  );

  it(
    "does not tell where the tokens of a completion begin, and echoes in its first chunk",
    test(async (sim) => {
      const body = { prompt: "Once upon", max_tokens: 2, logprobs: 1, echo: true };
      const { choices } = await answered(sim, "/v1/completions", body);
      expect(choices[0].logprobs.text_offset).toEqual([-1, -1, -1, -1]);
      expect(choices[0].logprobs.tokens.join("")).toBe(choices[0].text);
      const { text } = await post(sim, "/v1/completions", { ...body, stream: true });
      expect(joined(text)).toBe(choices[0].text);
      expect(JSON.parse(events(text)[0] ?? "").choices[0].text).toMatch(/^Once upon./);
    }),
  );

  it(
    "ranks in a list without more",
    test(async (sim) => {
      const body = { query: "a kitten", documents: ["taxes in May", "a kitten is a cat"], top_n: 1 };
      expect(await answered(sim, "/v1/rerank", body)).toEqual([
        {
          score: expect.any(Number),
          document: "a kitten is a cat",
          index: 1,
          meta_info: expect.objectContaining({ prompt_tokens: 7 }),
        },
      ]);
      const [best] = await answered(sim, "/v1/rerank", { ...body, return_documents: false });
      expect(best).not.toHaveProperty("document");
    }),
  );

  it(
    "names the folder of its weights in an embedding's answer",
    test(async (sim) => {
      const { model } = await answered(sim, "/v1/embeddings", { model: "x", input: "a" });
      expect(model).toBe("/models/sim-model");
    }),
  );
});

describe("ollama", () => {
  const test = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind: "ollama" }, run);

  it(
    "says the same natively, streaming unless told not to",
    test(async (sim) => {
      const { messages } = chat("Hello");
      const { text } = await post(sim, "/api/chat", { model: "sim-model", messages });
      expect(joined(text)).toBe(predictChat({ messages }).text);
      const { message, done_reason } = await answered(sim, "/api/chat", {
        model: "SIM-model:latest",
        messages,
        stream: false,
        options: { num_predict: 3 },
      });
      expect(message.content).toBe(predictChat({ messages, max_tokens: 3 }).text);
      expect(done_reason).toBe("length");
    }),
  );

  it(
    "gives native arguments as an object and still says stop",
    test(async (sim) => {
      const { message, done_reason } = await answered(
        sim,
        "/api/chat",
        whole("[tool] Weather?", { tools: TOOLS }),
      );
      expect(message.tool_calls[0].function).toEqual({
        index: 0,
        name: "weather",
        arguments: { city: expect.any(String), days: expect.any(Number) },
      });
      expect(done_reason).toBe("stop");
    }),
  );

  it("puts native calls on the last line instead, if so configured", () =>
    withSimulator({ kind: "ollama", toolCallsOnDone: true }, async (sim) => {
      const { text } = await post(sim, "/api/chat", chat("[tool] Weather?", { tools: TOOLS }));
      const lines = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        done: true,
        message: { tool_calls: [{ function: { name: "weather" } }] },
      });
    }));

  it(
    "thinks natively unless told not to, and takes a schema as format",
    test(async (sim) => {
      expect((await answered(sim, "/api/chat", whole("[think] Hello"))).message.thinking).toMatch(/\w/);
      expect(
        (await answered(sim, "/api/chat", whole("[think] Hello", { think: false }))).message.thinking,
      ).toBeUndefined();
      const { message } = await answered(sim, "/api/chat", whole("Hello", { format: PARAMETERS }));
      expect(JSON.parse(message.content)).toHaveProperty("city");
    }),
  );

  it(
    "loads without a prompt and unloads with keep_alive 0",
    test(async (sim) => {
      expect(await answered(sim, "/api/generate", { model: "sim-model" })).toMatchObject({
        done_reason: "load",
      });
      expect(
        await answered(sim, "/api/chat", { model: "sim-model", messages: [], keep_alive: 0 }),
      ).toMatchObject({ done_reason: "unload" });
    }),
  );

  it(
    "normalises new embeddings and not old ones",
    test(async (sim) => {
      const { embeddings, prompt_eval_count } = await answered(sim, "/api/embed", {
        model: "sim-model",
        input: ["a b"],
        dimensions: 8,
      });
      expect(embeddings[0]).toHaveLength(8);
      expect(Math.hypot(...embeddings[0])).toBeCloseTo(1, 5);
      expect(prompt_eval_count).toBe(2);
      const { embedding } = await answered(sim, "/api/embeddings", { model: "sim-model", prompt: "a b" });
      expect(Math.hypot(...embedding)).toBeCloseTo(8, 4);
    }),
  );
});
