/**
 * Proof with the real thing: fetches the real parts, starts the engine, and checks what it promises.
 * `node engines-infra/embedded/real.e2e.ts [folder]`; with a folder, what it fetched is kept and used again.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { createProgressBar, obtainEmbeddedEngine, startEmbeddedEngine } from "./index.ts";
import type { EmbeddedEngine, EngineAssets } from "./index.ts";

const MODEL = "smollm2-135m-instruct";
const given = process.argv[2];
const folder = given ?? (await mkdtemp(join(tmpdir(), "eco-embedded-e2e-")));
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const figures: Record<string, string> = {};
let failures = 0;

async function check(name: string, body: () => Promise<string | void>): Promise<void> {
  try {
    const note = await body();
    console.log(`ok    ${name}${note ? `: ${note}` : ""}`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function expectThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

const ms = (from: number): string => `${Math.round(performance.now() - from)} ms`;

async function obtain(): Promise<EngineAssets> {
  const progress = createProgressBar({
    output: {
      write: (text) => process.stderr.write(text),
      isTerminal: process.stderr.isTTY,
      columns: () => process.stderr.columns,
    },
    nowMs: () => performance.now(),
  });
  const obtained = await obtainEmbeddedEngine({
    installDir: join(folder, "engine"),
    cacheDir: join(folder, "cache"),
    fallbackDir: join(folder, "models"),
    progress,
    log: (line) => console.log(`      ${line}`),
    signal: stop.signal,
  });
  if (!obtained.ok) throw new Error(obtained.problem.line);
  return obtained.assets;
}

async function start(assets: EngineAssets, name: string): Promise<EmbeddedEngine> {
  const from = performance.now();
  const engine = await startEmbeddedEngine(assets, {
    logFile: join(folder, "engine.log"),
    signal: stop.signal,
  });
  await engine.ready;
  figures[name] = ms(from);
  return engine;
}

const obtainFrom = performance.now();
const assets = await obtain();
figures[given ? "parts obtained" : "parts obtained, from nothing"] = ms(obtainFrom);
const againFrom = performance.now();
await obtain();
figures["parts obtained again"] = ms(againFrom);
await (await start(assets, "ready, first start")).stop();
const engine = await start(assets, "ready, warm start");

const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
  fetch(`${engine.url}${path}`, { method: "POST", body: JSON.stringify(body), signal });

type Answer = {
  choices: Array<{
    finish_reason: string;
    message: {
      content: string;
      tool_calls?: Array<{ id: string; function: { name: string; arguments: string } }>;
    };
    logprobs?: { content: Array<{ id: number; logprob: number; top_logprobs: Array<{ logprob: number }> }> };
  }>;
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    total_tokens: number;
    prompt_tokens_details: { cached_tokens: number };
  };
  timings: {
    cache_n: number;
    prompt_n: number;
    predicted_n: number;
    prompt_per_second: number;
    predicted_per_second: number;
  };
};

async function chat(content: string, fields: object = {}): Promise<Answer> {
  const response = await post("/v1/chat/completions", { messages: [{ role: "user", content }], ...fields });
  const body = (await response.json()) as Answer;
  expectThat(response.status === 200, `status ${response.status}: ${JSON.stringify(body)}`);
  return body;
}

const textOf = (answer: Answer): string => answer.choices[0]?.message.content ?? "";
const memoryOf = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))?.[1] ?? 0) /
  1000;
const slots = async () =>
  (await (await fetch(`${engine.url}/slots`)).json()) as Array<{
    is_processing: boolean;
    next_token: Array<{ n_decoded: number }>;
  }>;

figures["memory when ready"] = `${Math.round(await memoryOf(engine.pid))} MB`;

await check("lists both models", async () => {
  const { data } = (await (await fetch(`${engine.url}/v1/models`)).json()) as {
    data: Array<{ id: string; meta: { n_ctx: number } }>;
  };
  expectThat(data.map(({ id }) => id).join() === engine.models.join(), JSON.stringify(data));
  return engine.models.join(", ");
});

await check("answers a question", async () => {
  const answer = await chat("What is the capital of France?", { temperature: 0 });
  expectThat(textOf(answer).includes("Paris"), textOf(answer));
  return textOf(answer);
});

await check("streams token by token, through the official SDK", async () => {
  const client = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: "none" });
  const from = performance.now();
  const stream = await client.chat.completions.create({
    model: MODEL,
    messages: [{ role: "user", content: "Tell me a story about a lighthouse." }],
    stream: true,
    max_tokens: 100,
    stream_options: { include_usage: true },
  });
  const arrivals: number[] = [];
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) arrivals.push(performance.now() - from);
    usage = chunk.usage ?? usage;
  }
  const [first = 0, last = 0] = [arrivals[0], arrivals.at(-1)];
  const distinct = new Set(arrivals.map((at) => Math.round(at))).size;
  // Without a seed its stories differ in length.
  expectThat(
    arrivals.length > 20 && distinct > arrivals.length / 2,
    `${arrivals.length} chunks at ${distinct} times`,
  );
  expectThat(
    usage?.total_tokens === (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0),
    JSON.stringify(usage),
  );
  figures["time to first token, short prompt"] = `${Math.round(first)} ms`;
  figures["tokens per second, as a client sees them"] = (
    (arrivals.length - 1) /
    ((last - first) / 1000)
  ).toFixed(1);
  return `${arrivals.length} chunks over ${Math.round(last - first)} ms`;
});

await check("counts tokens that add up", async () => {
  const { usage, timings } = await chat("Count to ten.", { max_tokens: 20, temperature: 0 });
  expectThat(usage.total_tokens === usage.prompt_tokens + usage.completion_tokens, JSON.stringify(usage));
  expectThat(
    timings.prompt_n + timings.cache_n === usage.prompt_tokens &&
      timings.predicted_n === usage.completion_tokens,
    JSON.stringify(timings),
  );
  expectThat(usage.completion_tokens <= 20, JSON.stringify(usage));
});

await check("holds max_tokens", async () => {
  const answer = await chat("Tell me a long story.", { max_tokens: 7 });
  expectThat(
    answer.usage.completion_tokens === 7 && answer.choices[0]?.finish_reason === "length",
    JSON.stringify(answer),
  );
});

await check("stops at a stop string", async () => {
  const whole = textOf(await chat("Name three colours.", { temperature: 0, max_tokens: 40 }));
  const word = whole.split(/\s+/)[3] ?? "";
  const cut = await chat("Name three colours.", { temperature: 0, max_tokens: 40, stop: word });
  expectThat(
    textOf(cut) === whole.slice(0, whole.indexOf(word)) && cut.choices[0]?.finish_reason === "stop",
    JSON.stringify(textOf(cut)),
  );
});

await check("repeats an answer by its seed, with other conversations in between and beside it", async () => {
  const ask = async () =>
    textOf(await chat("Invent a name for a ship and describe it.", { seed: 42, max_tokens: 60 }));
  const first = await ask();
  await chat("Something else entirely, at some length, to fill the slot with other tokens.", {
    max_tokens: 30,
  });
  const [second, third] = await Promise.all([ask(), ask(), chat("Beside it.", { max_tokens: 40 })]);
  const other = textOf(await chat("Invent a name for a ship and describe it.", { seed: 43, max_tokens: 60 }));
  expectThat(first === second && first === third, `${first} / ${second} / ${third}`);
  expectThat(first !== other, "another seed gives the same answer");
});

await check("remembers the beginning of a conversation", async () => {
  const messages = [
    {
      role: "user",
      content: "My name is Ada and I live in a lighthouse on an island far away in the north.",
    },
  ];
  const first = (await (await post("/v1/chat/completions", { messages, max_tokens: 30 })).json()) as Answer;
  const longer = [
    ...messages,
    { role: "assistant", content: textOf(first) },
    { role: "user", content: "What is my name?" },
  ];
  const second = (await (
    await post("/v1/chat/completions", { messages: longer, max_tokens: 20 })
  ).json()) as Answer;
  expectThat(second.timings.cache_n > first.usage.prompt_tokens, JSON.stringify(second.timings));
  return `${second.timings.cache_n} of ${second.usage.prompt_tokens} tokens`;
});

await check("continues an answer that the client began", async () => {
  const messages = [
    { role: "user", content: "What is the capital of France?" },
    { role: "assistant", content: "The capital of France is" },
  ];
  const answer = (await (
    await post("/v1/chat/completions", { messages, max_tokens: 5, temperature: 0 })
  ).json()) as Answer;
  expectThat(textOf(answer).startsWith(" Paris"), textOf(answer));
});

await check("writes JSON in JSON mode, ten times of ten", async () => {
  for (let seed = 0; seed < 10; seed += 1) {
    const answer = await chat("Describe a cat as a JSON object with name and age.", {
      seed,
      max_tokens: 200,
      response_format: { type: "json_object" },
    });
    if (answer.choices[0]?.finish_reason === "stop") JSON.parse(textOf(answer));
    else expectThat(textOf(answer).startsWith("{"), textOf(answer));
  }
});

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 20 },
    age: { type: "integer", minimum: 0, maximum: 120 },
    colour: { enum: ["red", "green", "blue"] },
    tags: { type: "array", items: { type: "string", maxLength: 10 }, minItems: 1, maxItems: 3 },
  },
  required: ["name", "age", "tags"],
  additionalProperties: false,
};

await check("conforms to a JSON schema, ten times of ten", async () => {
  const validate = new Ajv2020().compile(PERSON);
  for (let seed = 0; seed < 10; seed += 1) {
    const format = { type: "json_schema", json_schema: { name: "person", schema: PERSON } };
    const answer = await chat("Invent a person.", { seed, max_tokens: 300, response_format: format });
    expectThat(validate(JSON.parse(textOf(answer))), `${textOf(answer)} ${JSON.stringify(validate.errors)}`);
  }
});

const TOOLS = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city.",
      parameters: {
        type: "object",
        properties: {
          city: { type: "string", maxLength: 30 },
          days: { type: "integer", minimum: 1, maximum: 14 },
        },
        required: ["city", "days"],
      },
    },
  },
  {
    type: "function",
    function: {
      name: "get_time",
      description: "The time in a city.",
      parameters: {
        type: "object",
        properties: { city: { type: "string", maxLength: 30 } },
        required: ["city"],
      },
    },
  },
];

await check("calls a tool that is required, with valid arguments, whole and streamed", async () => {
  const fields = {
    tools: TOOLS,
    tool_choice: { type: "function", function: { name: "get_weather" } },
    seed: 1,
    max_tokens: 100,
  };
  const answer = await chat("What will the weather be like in Paris this week?", fields);
  const call = answer.choices[0]?.message.tool_calls?.[0];
  expectThat(
    answer.choices[0]?.finish_reason === "tool_calls" && call?.function.name === "get_weather",
    JSON.stringify(answer.choices),
  );
  const validate = new Ajv2020().compile(TOOLS[0]?.function.parameters ?? {});
  expectThat(validate(JSON.parse(call?.function.arguments ?? "")), JSON.stringify(call));
  const client = new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: "none" });
  const stream = client.chat.completions.stream({
    model: MODEL,
    messages: [{ role: "user", content: "What will the weather be like in Paris this week?" }],
    ...(fields as object),
  } as never);
  const streamed = (await stream.finalMessage()).tool_calls?.[0];
  expectThat(
    streamed?.type === "function" && streamed.function.arguments === call?.function.arguments,
    JSON.stringify(streamed),
  );
  return call?.function.arguments;
});

await check("reports log probabilities that are a distribution", async () => {
  const answer = await chat("Say hi.", { max_tokens: 5, seed: 3, logprobs: true, top_logprobs: 5 });
  const without = await chat("Say hi.", { max_tokens: 5, seed: 3 });
  for (const { logprob, top_logprobs } of answer.choices[0]?.logprobs?.content ?? []) {
    const mass = top_logprobs.reduce((sum, each) => sum + Math.exp(each.logprob), 0);
    expectThat(logprob <= 0 && mass > 0 && mass <= 1.001, JSON.stringify({ logprob, mass }));
    expectThat(
      top_logprobs.every(
        (each, index) => index === 0 || each.logprob <= (top_logprobs[index - 1]?.logprob ?? 0),
      ),
      "not sorted",
    );
  }
  expectThat(textOf(answer) === textOf(without), "asking for log probabilities changed the answer");
});

await check("never sends half a character", async () => {
  const answer = await chat("Write five emoji and some words in Japanese and Russian.", {
    seed: 5,
    max_tokens: 120,
  });
  const response = await post("/v1/chat/completions", {
    messages: [{ role: "user", content: "Write five emoji and some words in Japanese and Russian." }],
    seed: 5,
    max_tokens: 120,
    stream: true,
  });
  const chunks = (await response.text())
    .split("\n\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)) as { choices: Array<{ delta: { content?: string } }> });
  const streamed = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
  expectThat(streamed === textOf(answer), `${streamed} / ${textOf(answer)}`);
  return streamed.replaceAll("\n", " ").slice(0, 60);
});

await check("obeys a bias, penalties and a grammar of the client's own", async () => {
  const ask = (fields: object) =>
    chat("What is the capital of France?", { temperature: 0, max_tokens: 30, ...fields });
  const plain = await ask({ logprobs: true });
  const first = plain.choices[0]?.logprobs?.content[0]?.id ?? -1;
  expectThat(
    textOf(await ask({ logit_bias: { [first]: -100 } })) !== textOf(plain),
    "the ban changed nothing",
  );
  const favoured = textOf(await ask({ logit_bias: { [first]: 100 }, max_tokens: 3 }));
  expectThat(favoured === "TheTheThe", favoured);
  const tea = (fields: object) =>
    chat("Repeat the word tea forever.", { temperature: 0, max_tokens: 60, ...fields });
  const penalised = await tea({ frequency_penalty: 2, presence_penalty: 2 });
  expectThat(textOf(penalised) !== textOf(await tea({})), "the penalties changed nothing");
  const answer = textOf(await ask({ grammar: 'root ::= "Berlin" | "Paris" | "Rome"' }));
  expectThat(["Berlin", "Paris", "Rome"].includes(answer), answer);
});

await check("gives two different choices, and a completion of plain text", async () => {
  const { choices } = await chat("Invent a name for a cat.", { n: 2, seed: 1, max_tokens: 15 });
  const [first, second] = choices.map(({ message }) => message.content);
  expectThat(choices.length === 2 && first !== second, JSON.stringify(choices));
  const response = await post("/v1/completions", {
    prompt: "The sun rises in the",
    temperature: 0,
    max_tokens: 3,
  });
  const completion = (await response.json()) as { choices: Array<{ text: string }> };
  expectThat((completion.choices[0]?.text.length ?? 0) > 3, JSON.stringify(completion.choices));
});

await check("stops generating when the client leaves", async () => {
  const leaving = new AbortController();
  const response = await post(
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "Write a very long story." }], stream: true, max_tokens: 2000 },
    leaving.signal,
  );
  const reader = response.body?.getReader();
  for (let index = 0; index < 10; index += 1) await reader?.read();
  const from = performance.now();
  leaving.abort();
  while ((await slots()).some((slot) => slot.is_processing)) {
    expectThat(performance.now() - from < 1000, "still generating after a second");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  figures["generation stopped after a client left"] = ms(from);
});

await check("stops computing a long prompt when the client leaves", async () => {
  const leaving = new AbortController();
  const long = post(
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "word ".repeat(3500) }] },
    leaving.signal,
  ).catch(() => undefined);
  while (!(await slots()).some((slot) => slot.is_processing))
    await new Promise((resolve) => setTimeout(resolve, 5));
  const from = performance.now();
  leaving.abort();
  await long;
  while ((await slots()).some((slot) => slot.is_processing)) {
    expectThat(performance.now() - from < 2000, "still computing after two seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  figures["prompt abandoned after a client left"] = ms(from);
});

await check("refuses a prompt that does not fit", async () => {
  const response = await post("/v1/chat/completions", {
    messages: [{ role: "user", content: "word ".repeat(9000) }],
  });
  const { error } = (await response.json()) as {
    error: { type: string; n_prompt_tokens: number; n_ctx: number };
  };
  expectThat(
    response.status === 400 &&
      error.type === "exceed_context_size_error" &&
      error.n_prompt_tokens > error.n_ctx,
    JSON.stringify(error),
  );
});

await check("lives through grammars that are too large, and reads the largest that are not", async () => {
  const chain = (rules: number): string =>
    Array.from({ length: rules }, (_, at) => `${at ? `r${at}` : "root"} ::= ${at < rules - 1 ? `r${at + 1}` : '"a"'}`)
      .join("\n"); // prettier-ignore
  const nested = (depth: number): string => `root ::= ${"(".repeat(depth)}"a"${")".repeat(depth)}`;
  const properties = Object.fromEntries(
    Array.from({ length: 1000 }, (_, at) => [`p${at}`, { type: "null" }]),
  );
  for (const [form, status] of [
    [{ grammar: nested(200_000) }, 400],
    [{ grammar: chain(100_000) }, 400],
    [{ grammar: nested(64) }, 200],
    [{ grammar: chain(1000) }, 200],
    [{ json_schema: { type: "object", properties } }, 200],
  ] as const) {
    const messages = [{ role: "user", content: "Say a." }];
    const response = await post("/v1/chat/completions", { messages, max_tokens: 3, ...form });
    expectThat(response.status === status, `${response.status}: ${(await response.text()).slice(0, 200)}`);
  }
});

await check("refuses eight megabytes at once", async () => {
  const from = performance.now();
  const messages = [{ role: "user", content: "word ".repeat(1_600_000) }];
  const response = await post("/v1/chat/completions", { messages });
  expectThat(response.status === 400, `${response.status}`);
  figures["eight megabytes refused"] = ms(from);
});

await check("serves four requests at once, and a short one beside a long one", async () => {
  const from = performance.now();
  const answers = await Promise.all(
    ["one", "two", "three", "four"].map((word) => chat(`Say ${word}.`, { max_tokens: 25 })),
  );
  expectThat(
    answers.every((answer) => answer.usage.completion_tokens > 0),
    "an answer is empty",
  );
  figures["four short answers at once"] = ms(from);
  const long = chat("Write a very long story.", { max_tokens: 200 });
  const shortFrom = performance.now();
  await chat("Say hi.", { max_tokens: 5 });
  figures["a short answer beside a long one"] = ms(shortFrom);
  await long;
});

await check("embeds: a kitten is nearer to a cat than to a tax form", async () => {
  const input = [
    "A kitten sleeps on the sofa.",
    "The cat is napping on the couch.",
    "Please fill in the tax form before April.",
  ];
  const { data, usage } = (await (await post("/v1/embeddings", { input })).json()) as {
    data: Array<{ embedding: number[] }>;
    usage: { prompt_tokens: number };
  };
  const [kitten = [], cat = [], tax = []] = data.map(({ embedding }) => embedding);
  const cosine = (a: number[], b: number[]): number =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  expectThat(Math.abs(cosine(kitten, kitten) - 1) < 1e-5 && usage.prompt_tokens > 20, "not of length 1");
  expectThat(
    cosine(kitten, cat) > cosine(kitten, tax) + 0.3,
    `${cosine(kitten, cat)} ${cosine(kitten, tax)}`,
  );
  const packed = (await (
    await post("/v1/embeddings", { input: input[0], encoding_format: "base64" })
  ).json()) as { data: Array<{ embedding: string }> };
  expectThat(
    Math.abs(Buffer.from(packed.data[0]?.embedding ?? "", "base64").readFloatLE(0) - (kitten[0] ?? 0)) < 1e-6,
    "base64 differs",
  );
  return `${cosine(kitten, cat).toFixed(3)} and ${cosine(kitten, tax).toFixed(3)}`;
});

await check("embeds two hundred texts", async () => {
  const from = performance.now();
  const response = await post("/v1/embeddings", {
    input: Array.from({ length: 200 }, (_, index) => `Sentence number ${index} about the weather.`),
  });
  expectThat(((await response.json()) as { data: unknown[] }).data.length === 200, "some are missing");
  figures["embedding of a short text"] = `${((performance.now() - from) / 200).toFixed(1)} ms`;
});

await check("refuses a text that is too long to embed", async () => {
  const response = await post("/v1/embeddings", { input: "word ".repeat(600) });
  expectThat(response.status === 400, `status ${response.status}`);
  expectThat(
    (await post("/v1/embeddings", { input: "word ".repeat(500) })).status === 200,
    "500 words do not fit",
  );
});

await check("measures itself", async () => {
  const { timings } = await chat("Tell me about the sea, please. ".repeat(30), {
    max_tokens: 100,
    temperature: 0.8,
  });
  figures["prompt tokens per second"] = timings.prompt_per_second.toFixed(1);
  figures["generated tokens per second"] = timings.predicted_per_second.toFixed(1);
  figures["memory at the end"] = `${Math.round(await memoryOf(engine.pid))} MB`;
});

await check("ends when it is told to", async () => {
  const from = performance.now();
  await engine.stop();
  expectThat((await engine.exited) === 0, "another exit code than 0");
  figures["time to stop"] = ms(from);
});

console.log();
for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(46)} ${value}`);
if (!given) await rm(folder, { recursive: true, force: true });
console.log(failures === 0 ? "\nall checks passed" : `\n${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
