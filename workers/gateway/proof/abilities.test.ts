import { describe, expect, it } from "vitest";
import { type SimulatedKind, predictChat } from "../../../engines-infra/simulator/index.ts";
import { engines } from "../../../shared/engines/engines.ts";
import { type Usage, chat, errorOf, post, readStream } from "./asking.ts";
import { KINDS, modelOf, proofForFile } from "./harness.ts";
import { WEATHER_TOOL } from "../../../engines-infra/simulator/samples.ts";

const proof = proofForFile();

const PATHS = {
  chat: "/v1/chat/completions",
  completion: "/v1/completions",
  embedding: "/v1/embeddings",
} as const;
type Operation = keyof typeof PATHS;
type Json = Record<string, unknown>;

const OTHER_TOOL = {
  type: "function",
  function: { name: "get_time", parameters: { type: "object", properties: {} } },
};
const tools = [OTHER_TOOL, WEATHER_TOOL];
const named = { type: "function", function: { name: "get_weather" } };

/** The kinds that generate text and no more. Of kind `openai` may be a hosted API, which decides for itself. */
const OWN_ENGINES = KINDS.filter((kind) => kind !== "openai");

/**
 * What not every kind can do: the request, the field that a kind which cannot do it names, and those kinds. All others
 * answer 200, and the fact behind `done` shows that they did what was asked.
 */
type Ability = {
  operation: Operation;
  body: Json;
  param: string;
  cannot: readonly SimulatedKind[];
  done?: (answer: Answer) => void;
};

type Answer = {
  choices: {
    text?: string;
    finish_reason: string;
    logprobs: Json | null;
    message?: { content: string | null; tool_calls?: { function: { name: string } }[] };
  }[];
  data: { embedding: number[] }[];
};

/** An answer that calls a tool, with the call's arguments. */
type ForcedCall = { choices: [{ message: { tool_calls: [{ function: { arguments: string } }] } }] };

const calls = (answer: Answer) => answer.choices[0]?.message?.tool_calls?.map((call) => call.function.name);

const ABILITIES: Record<string, Ability> = {
  "several choices": {
    operation: "chat",
    body: { n: 3 },
    param: "n",
    cannot: [],
    done: ({ choices }) => expect(choices).toHaveLength(3),
  },
  "a bias of tokens": {
    operation: "chat",
    body: { logit_bias: { "42": -100 } },
    param: "logit_bias",
    cannot: ["lmdeploy", "ollama", "tgi"],
  },
  "a tool by name": {
    operation: "chat",
    body: { tools, tool_choice: named },
    param: "tool_choice",
    cannot: ["lmdeploy", "ollama"],
    done: (answer) => expect(calls(answer)).toEqual(["get_weather"]),
  },
  "any tool, but one": {
    operation: "chat",
    body: { tools, tool_choice: "required" },
    param: "tool_choice",
    cannot: ["lmdeploy", "ollama", "tensorrt-llm"],
    done: (answer) => expect(calls(answer)).toHaveLength(1),
  },
  "one tool at a time": {
    operation: "chat",
    body: { messages: [{ role: "user", content: "[tools=2] both" }], tools, parallel_tool_calls: false },
    param: "parallel_tool_calls",
    cannot: ["ollama", "sglang", "tensorrt-llm"],
    done: (answer) => expect(calls(answer)).toHaveLength(1),
  },
  "no tool at all": {
    operation: "chat",
    body: { messages: [{ role: "user", content: "[tool] call" }], tools, tool_choice: "none" },
    param: "",
    cannot: [],
    done: (answer) => expect(calls(answer)).toBeUndefined(),
  },
  "an empty list of tools": { operation: "chat", body: { tools: [] }, param: "", cannot: [] },
  "an echo": {
    operation: "completion",
    body: { echo: true },
    param: "echo",
    cannot: ["llama-cpp", "lmdeploy", "ollama"],
    done: ({ choices }) => expect(choices[0]?.text).toMatch(/^Once upon/),
  },
  "the best of two": {
    operation: "completion",
    body: { best_of: 2 },
    param: "best_of",
    cannot: ["llama-cpp", "lmdeploy", "ollama", "sglang", "vllm"],
  },
  "log probabilities of a text": {
    operation: "completion",
    body: { logprobs: 1 },
    param: "logprobs",
    cannot: ["lmdeploy", "ollama"],
    done: ({ choices }) => {
      const logprobs = choices[0]?.logprobs as { tokens: string[]; text_offset: number[] };
      expect(logprobs.tokens.join("")).toBe(choices[0]?.text);
      expect(logprobs.text_offset).toHaveLength(logprobs.tokens.length);
    },
  },
  "several prompts": {
    operation: "completion",
    body: { prompt: ["one", "two"] },
    param: "prompt",
    cannot: ["ollama"],
    done: ({ choices }) => expect(choices).toHaveLength(2),
  },
  "a prompt of token ids": {
    operation: "completion",
    body: { prompt: [1, 2, 3] },
    param: "prompt",
    cannot: ["lmdeploy", "ollama", "tgi"],
  },
  "fewer dimensions": {
    operation: "embedding",
    body: { dimensions: 8 },
    param: "dimensions",
    cannot: ["llama-cpp", "tensorrt-llm"],
    done: ({ data }) => expect(data[0]?.embedding).toHaveLength(8),
  },
  "token ids to embed": {
    operation: "embedding",
    body: { input: [1, 2, 3] },
    param: "input",
    cannot: ["ollama"],
    done: ({ data }) => expect(data).toHaveLength(1),
  },
  "several inputs of token ids": {
    operation: "embedding",
    body: { input: [[1, 2], [3]] },
    param: "input",
    cannot: ["ollama"],
    done: ({ data }) => expect(data).toHaveLength(2),
  },
  "old functions": {
    operation: "chat",
    body: { functions: [{ name: "f" }] },
    param: "functions",
    cannot: OWN_ENGINES,
  },
  "an old function call": {
    operation: "chat",
    body: { function_call: "auto" },
    param: "function_call",
    cannot: OWN_ENGINES,
  },
  speech: {
    operation: "chat",
    body: { audio: { voice: "alloy", format: "wav" } },
    param: "audio",
    cannot: OWN_ENGINES,
  },
  "the mode of speech": {
    operation: "chat",
    body: { modalities: ["text", "audio"] },
    param: "modalities",
    cannot: OWN_ENGINES,
  },
  "a search of the web": {
    operation: "chat",
    body: { web_search_options: {} },
    param: "web_search_options",
    cannot: OWN_ENGINES,
  },
  "few words": { operation: "chat", body: { verbosity: "low" }, param: "verbosity", cannot: OWN_ENGINES },
  moderation: { operation: "chat", body: { moderation: {} }, param: "moderation", cannot: OWN_ENGINES },
};

/** Members that reach past the gateway into an engine, and are refused by name rather than dropped in silence. */
const OPERATORS_ONLY: Partial<Record<SimulatedKind, readonly string[]>> = {
  vllm: [
    "priority",
    "kv_transfer_params",
    "ec_transfer_params",
    "vllm_xargs",
    "cache_salt",
    "chat_template",
    "request_id",
  ],
  sglang: [
    "rid",
    "priority",
    "cache_salt",
    "session_params",
    "routed_dp_rank",
    "bootstrap_host",
    "lora_path",
    "custom_logit_processor",
    "input_ids",
  ],
  "tensorrt-llm": [
    "priority",
    "cache_salt",
    "chat_template",
    "lora_request",
    "disaggregated_params",
    "conversation_params",
    "media_io_kwargs",
    "prompt_token_ids",
    "return_context_logits",
  ],
  tgi: ["adapter_id", "truncate", "watermark", "return_full_text", "decoder_input_details"],
  lmdeploy: ["session_id", "migration_request", "with_cache", "preserve_cache", "input_ids", "priority"],
  ollama: ["options", "num_ctx", "keep_alive", "num_gpu", "num_thread", "template", "raw", "context"],
};

const BASE: Record<Operation, Json> = {
  chat: { messages: [{ role: "user", content: "Hello" }], max_tokens: 200 },
  completion: { prompt: "Once upon a time", max_tokens: 4 },
  embedding: { input: "Hello", encoding_format: "float" },
};

describe.each(KINDS)("what %s is asked for", (kind) => {
  const accepted = () => proof().sim(kind).seen().accepted;
  const expectRefusal = async (response: Response, param: string) => {
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ type: "invalid_request_error", code: "unsupported_parameter", param });
    expect(error.message).toContain(`\`${param}\``);
    expect(error.message).toContain(kind);
    expect(accepted()).toBe(0);
  };

  const offered = Object.entries(ABILITIES).filter(
    ([, { operation }]) => engines[kind].abilities[operation] !== "refused",
  );
  it.each(offered)("is done, or refused by name: %s", async (_, { operation, body, param, cannot, done }) => {
    const response = await post(proof(), PATHS[operation], {
      model: modelOf(kind),
      ...BASE[operation],
      ...body,
    });
    if (cannot.includes(kind)) return expectRefusal(response, param);
    expect(response.status).toBe(200);
    done?.((await response.json()) as Answer);
    const splits = body.n !== undefined && engines[kind].abilities.several_choices === "gateway";
    expect(accepted()).toBe(splits ? body.n : 1);
  });

  it.each(
    (OPERATORS_ONLY[kind] ?? []).flatMap(
      (field) =>
        [
          [field, "chat"],
          [field, "completion"],
          ...(kind === "sglang" || kind === "vllm" ? ([[field, "embedding"]] as const) : []),
        ] as const,
    ),
  )("is refused where only the operator may ask for it: %s in a %s", async (field, operation) => {
    await expectRefusal(
      await post(proof(), PATHS[operation], { model: modelOf(kind), ...BASE[operation], [field]: 1 }),
      field,
    );
  });

  it.skipIf(kind === "openai")("is refused alike where it is streamed", async () => {
    await expectRefusal(
      await post(proof(), PATHS.chat, chat(modelOf(kind), "Hello", { stream: true, verbosity: "high" })),
      "verbosity",
    );
  });

  // The openai kind is any server: what it makes of this is its own affair.
  it.skipIf(kind === "openai")("is refused where it names a tool that is not among the tools", async () => {
    const nothing = { type: "function", function: { name: "nothing" } };
    const response = await post(
      proof(),
      PATHS.chat,
      chat(modelOf(kind), "Hello", { tools: [WEATHER_TOOL], tool_choice: nothing }),
    );
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("tool_choice");
  });

  it("may come with an image in the message", async () => {
    const url = "data:image/png;base64,iVBORw0KGgo=";
    const messages = [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url } },
        ],
      },
    ];
    expect((await post(proof(), PATHS.chat, { model: modelOf(kind), messages })).status).toBe(200);
    const body = JSON.stringify(
      proof()
        .sim(kind)
        .seen()
        .requests.find(({ method }) => method === "POST")?.body,
    );
    expect(body).toContain(kind === "ollama" ? '"images":["iVBORw0KGgo="]' : url);
  });
});

describe("the traps of the engines", () => {
  const sent = (id: SimulatedKind) =>
    proof()
      .sim(id)
      .seen()
      .requests.findLast(({ method }) => method === "POST")?.body as Json;
  const ask = (kind: SimulatedKind, more: Json) =>
    post(proof(), PATHS.chat, chat(modelOf(kind), "Hello", more));

  it("Ollama: max_completion_tokens, which its /v1 ignores, limits the answer", async () => {
    await ask("ollama", { max_completion_tokens: 3 });
    expect(sent("ollama")).toMatchObject({ options: { num_predict: 3 }, truncate: false });
  });

  it("Ollama: no temperature is made up where none was given", async () => {
    await ask("ollama", {});
    expect(sent("ollama")).not.toHaveProperty("options.temperature");
  });

  it("Ollama: an image on another host is not fetched", async () => {
    const messages = [
      { role: "user", content: [{ type: "image_url", image_url: { url: "http://10.0.0.1/secret.png" } }] },
    ];
    const response = await post(proof(), PATHS.chat, { model: modelOf("ollama"), messages });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      param: "messages[0].content[0].image_url.url",
      code: "unsupported_parameter",
    });
  });

  it("Ollama: both of a model's names work, and the caller's own comes back", async () => {
    for (const model of ["sim-ollama", "sim-ollama:latest"]) {
      const answer = await post(proof(), PATHS.chat, chat(model, "Hello"));
      expect(await answer.json()).toMatchObject({ model });
      expect(sent("ollama")).toMatchObject({ model: "sim-ollama:latest" });
    }
  });

  it("TensorRT-LLM: no request is without a limit, and none has it under two names", async () => {
    await ask("tensorrt-llm", {});
    expect(sent("tensorrt-llm")).toMatchObject({ max_tokens: 8192 });
    await ask("tensorrt-llm", { max_completion_tokens: 5, max_tokens: 5 });
    expect(sent("tensorrt-llm")).toMatchObject({ max_tokens: 5 });
    expect(sent("tensorrt-llm")).not.toHaveProperty("max_completion_tokens");
  });

  it("TensorRT-LLM: a call that is forced has arguments of its tool's form", async () => {
    for (const choice of [named, "required"]) {
      const response = await ask("tensorrt-llm", { tools: [WEATHER_TOOL], tool_choice: choice });
      const [call] = ((await response.json()) as ForcedCall).choices[0].message.tool_calls;
      expect(JSON.parse(call.function.arguments)).toMatchObject({ city: expect.any(String) });
    }
  });

  it("TensorRT-LLM: what would end its process does not reach it", async () => {
    await ask("tensorrt-llm", { top_k: -1 });
    expect(sent("tensorrt-llm")).toMatchObject({ top_k: 0 });
    expect((await ask("tensorrt-llm", { top_k: -2 })).status).toBe(400);
  });

  it("llama.cpp: an endless answer is given an end", async () => {
    await ask("llama-cpp", {});
    expect(sent("llama-cpp")).toMatchObject({ max_tokens: 32_768 });
    await ask("llama-cpp", { max_completion_tokens: 7 });
    expect(sent("llama-cpp")).not.toHaveProperty("max_tokens");
  });

  it("llama.cpp: repetition_penalty has another name there", async () => {
    await ask("llama-cpp", { repetition_penalty: 1.2 });
    expect(sent("llama-cpp")).toMatchObject({ repeat_penalty: 1.2 });
  });

  it.each([
    ["chat", { messages: [{ role: "user", content: "Hello [sim tokens=4]" }] }],
    ["completion", { prompt: "Hello [sim tokens=4]" }],
  ] as const)("llama.cpp: several choices of a %s have the usage of all of them", async (operation, more) => {
    const body = { model: modelOf("llama-cpp"), n: 3, ...more };
    const asked = { stream: true, stream_options: { include_usage: true } };
    const streamed = await readStream(await post(proof(), PATHS[operation], { ...body, ...asked }));
    expect(streamed).toMatchObject({ done: true, usage: { completion_tokens: 12 } });
    expect(streamed.finishes).toHaveLength(3);
    expect(streamed.usage).not.toHaveProperty("estimated");
    const whole = (await (await post(proof(), PATHS[operation], body)).json()) as { usage: Usage };
    expect(whole.usage).toMatchObject({ estimated: true });
    expect(whole.usage.completion_tokens).toBeGreaterThan(4);
  });

  it("llama.cpp: a completion has 16 tokens where nothing is said, and usage only where it was asked for", async () => {
    const body = { model: modelOf("llama-cpp"), prompt: "Once upon a time", stream: true };
    const untold = await readStream(await post(proof(), PATHS.completion, body));
    expect(untold).toMatchObject({ done: true, usage: undefined });
    expect(sent("llama-cpp")).toMatchObject({ max_tokens: 16 });
    const asked = { ...body, stream_options: { include_usage: true } };
    const told = await readStream(await post(proof(), PATHS.completion, asked));
    expect(told.chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 16 } });
  });

  it("llama.cpp: an image that it was started without is the caller's mistake, though it answers 500", async () => {
    await proof()
      .sim("llama-cpp")
      .configure({ lacks: ["vision"] });
    const messages = [
      { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
    ];
    const response = await post(proof(), PATHS.chat, { model: modelOf("llama-cpp"), messages });
    await proof().sim("llama-cpp").configure({ lacks: [] });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("image input is not supported");
  });

  it("llama.cpp: embeddings that it was started without are refused as such", async () => {
    await proof()
      .sim("llama-cpp")
      .configure({ lacks: ["embeddings"] });
    const response = await post(proof(), PATHS.embedding, { model: modelOf("llama-cpp"), input: "Hello" });
    await proof().sim("llama-cpp").configure({ lacks: [] });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("--embeddings");
  });

  it("llama.cpp: an input over the micro-batch is the caller's mistake, though it answers 500", async () => {
    const response = await post(proof(), PATHS.embedding, {
      model: modelOf("llama-cpp"),
      input: "word ".repeat(2_000),
    });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("too large to process");
  });

  it("vLLM: removed guided_* become structured_outputs", async () => {
    await ask("vllm", {
      guided_json: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
    });
    expect(sent("vllm")).toMatchObject({ structured_outputs: { json: { type: "object" } } });
    expect(sent("vllm")).not.toHaveProperty("guided_json");
  });

  it("vLLM: a model without Matryoshka says so itself", async () => {
    await proof()
      .sim("vllm")
      .configure({ lacks: ["dimensions"] });
    const response = await post(proof(), PATHS.embedding, {
      model: modelOf("vllm"),
      input: "Hello",
      dimensions: 8,
    });
    await proof().sim("vllm").configure({ lacks: [] });
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toMatch(/matryoshka|dimensions/i);
  });

  it("vLLM: a named tool ends with tool_calls, as OpenAI has it", async () => {
    const answer = await ask("vllm", { tools, tool_choice: named });
    expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: "tool_calls" }] });
  });

  it("vLLM: an abort at shutdown is no answer, though it comes with 200", async () => {
    const whole = await ask("vllm", { messages: [{ role: "user", content: "[sim abort=3]" }] });
    expect(whole.status).toBe(502);
    expect((await errorOf(whole)).code).toBe("engine_failed");
    const streamed = await readStream(
      await ask("vllm", { messages: [{ role: "user", content: "[sim abort=3]" }], stream: true }),
    );
    expect(streamed).toMatchObject({ done: false, finishes: [], error: { code: "engine_failed" } });
  });

  it("vLLM: its answer's id is the request's", async () => {
    const response = await ask("vllm", {});
    expect(await response.json()).toMatchObject({ id: `chatcmpl-${response.headers.get("x-request-id")}` });
  });

  it.each([false, true])(
    "TGI: a stop text does not come, though TGI goes on over it (stream: %s)",
    async (stream) => {
      const { text } = predictChat({ messages: [{ role: "user", content: "Hello" }] });
      // In the middle of a word, where no token ends.
      const stop = /\p{L}\p{L}(?=\p{L})/u.exec(text)?.[0] ?? "";
      const answer = await ask("tgi", { stop, stream });
      const said = stream
        ? (await readStream(answer)).text
        : ((await answer.json()) as Answer).choices[0]?.message?.content;
      expect(said).toBe(text.slice(0, text.indexOf(stop)));
      expect(sent("tgi")).toMatchObject({ model: "tgi", stop: [stop] });
    },
  );

  it("TGI: a streamed call ends with tool_calls, though TGI says no end", async () => {
    const heard = await readStream(await ask("tgi", { tools, tool_choice: named, stream: true }));
    expect(heard).toMatchObject({ done: true, finishes: ["tool_calls"] });
  });

  it("TGI: several prompts have each their text, and the usage of all", async () => {
    const body = { model: modelOf("tgi"), prompt: ["One", "Two"], max_tokens: 4, stream: true };
    const asked = { ...body, stream_options: { include_usage: true } };
    const heard = await readStream(await post(proof(), PATHS.completion, asked));
    expect(heard).toMatchObject({
      done: true,
      finishes: ["length", "length"],
      usage: { prompt_tokens: 2, completion_tokens: 8, total_tokens: 10 },
    });
  });

  it("every engine: reasoning comes under one name in a whole answer, too", async () => {
    for (const kind of ["llama-cpp", "lmdeploy", "ollama", "sglang", "tgi", "vllm"] as const) {
      const answer = (await (
        await ask(kind, { messages: [{ role: "user", content: "[think] Why?" }] })
      ).json()) as Json;
      expect(answer).toMatchObject({
        choices: [{ message: { reasoning_content: expect.stringMatching(/./) } }],
      });
      expect(JSON.stringify(answer)).not.toContain('"reasoning":');
    }
  });
});

describe.each(KINDS)("log probabilities of several streamed completions of %s", (kind) => {
  it("are told of each token, at its place in its own choice; or refused", async () => {
    const body = { model: modelOf(kind), prompt: "Hi [sim tokens=3]", logprobs: 1, n: 2, stream: true };
    const response = await post(proof(), "/v1/completions", body);
    if (response.status === 400) return expect(await errorOf(response)).toMatchObject({ param: "logprobs" });
    const { chunks } = await readStream(response);
    for (const index of [0, 1]) {
      const pieces = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
      const told = pieces.flatMap(({ logprobs }) => (logprobs as Legacy | null) ?? []);
      const text = pieces.map((piece) => piece.text ?? "").join("");
      const tokens = told.flatMap((each) => each.tokens);
      expect(tokens.join("")).toBe(text);
      expect(told.flatMap((each) => each.text_offset)).toEqual(
        tokens.map((_, at) => tokens.slice(0, at).join("").length),
      );
    }
  });
});

type Legacy = { tokens: string[]; text_offset: number[] };
