import { describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import { generate } from "../../../engines-infra/simulator/model/generate.ts";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { generationsOf, modelOf, proofForFile } from "./harness.ts";

// DeepSpeed-MII's servers fail in silence, stop at nothing that they are told, and go on for clients that have left:
// what the platform owes its clients all the same. The simple server names no models: its operator does.
const proof = proofForFile([
  { kind: "deepspeed" },
  { kind: "deepspeed-native", config: { models: [modelOf("deepspeed-native")] } },
]);

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const TOKENS = 6;
const usageShown = { stream: true, stream_options: { include_usage: true } };

const WHOLE = { stream: false, stream_options: undefined };

type Answer = {
  readonly choices: readonly {
    readonly message?: { readonly content: string };
    readonly text?: string;
    readonly finish_reason: string;
  }[];
  readonly usage: object;
};
const textOf = ({ choices: [choice] }: Answer): string | undefined =>
  choice?.message?.content ?? choice?.text;

type Said = { readonly text: string; readonly finish: string };

/** How each is asked, what its model then says, and where in a stream of six tokens it can fail. */
const SERVERS = {
  deepspeed: {
    ask: (content: string, more: object = {}) =>
      post(proof(), CHAT, chat(modelOf("deepspeed"), content, { max_tokens: 500, ...usageShown, ...more })),
    said: (content: string, tokensMax = 500): Said =>
      predictChat({ messages: [{ role: "user", content }], max_tokens: tokensMax }),
    // A role, the tokens, the end of the turn, the finish, the end mark.
    events: TOKENS + 4,
  },
  "deepspeed-native": {
    ask: (prompt: string, more: object = {}) =>
      post(proof(), COMPLETIONS, {
        model: modelOf("deepspeed-native"),
        prompt,
        max_tokens: 500,
        ...usageShown,
        ...more,
      }),
    said: (prompt: string, tokensMax = 500): Said => {
      const [text = "", directive = ""] = prompt.split(/ *\[sim /);
      const told = /tokens=(\d+)/.exec(directive)?.[1];
      const tokens = generate("", text, told === undefined ? {} : { tokens: Number(told) });
      return {
        text: tokens.slice(0, tokensMax).join(""),
        finish: tokens.length > tokensMax ? "length" : "stop",
      };
    },
    events: TOKENS + 3,
  },
} as const;
const KINDS = ["deepspeed", "deepspeed-native"] as const;

describe.each(KINDS)("a stream of %s", (kind) => {
  const { ask, said, events } = SERVERS[kind];
  const sent = () => generationsOf(proof().sim(kind).seen().requests).at(-1)?.body as Record<string, unknown>;

  it("has the model's text without the end of its turn, and tokens that we counted", async () => {
    const response = await ask("Tell me of rivers [sim tokens=40]");
    const heard = await readStream(response);
    expect(heard).toMatchObject({
      text: said("Tell me of rivers [sim tokens=40]").text,
      finishes: ["stop"],
      done: true,
      usage: { completion_tokens: 40, estimated: true },
    });
    expect((await proof().lineOf(response)).usage).toMatchObject({ completion_tokens: 40, estimated: true });
  });

  it("tells no usage that nobody asked for, and counts it all the same", async () => {
    const response = await ask("Hello [sim tokens=4]", { stream_options: {} });
    expect(await readStream(response)).toMatchObject({ done: true, usage: undefined });
    expect((await proof().lineOf(response)).usage).toMatchObject({ completion_tokens: 4 });
  });

  it("ends at the limit, and says so", async () => {
    const heard = await readStream(await ask("Go on and on", { max_tokens: 5 }));
    expect(heard).toMatchObject({ text: said("Go on and on", 5).text, finishes: ["length"], done: true });
  });

  it("ends at a stop text that the engine is never told of, and leaves the engine", async () => {
    const free = said("Stop me").text;
    const stop = free.slice(11, 19);
    const response = await ask("Stop me", { stop: ["never said", stop] });
    const heard = await readStream(response);
    expect(heard).toMatchObject({
      text: free.slice(0, free.indexOf(stop)),
      finishes: ["stop"],
      done: true,
    });
    expect(await proof().lineOf(response)).toMatchObject({ outcome: "complete" });
    expect(sent()).not.toHaveProperty("stop");
  });

  it.each([{}, { temperature: 0 }, { temperature: 0.7, top_p: 0.5 }])(
    "is asked for with one set of keys, lest a mixed batch ends the engine: %j",
    async (more) => {
      expect((await readStream(await ask("Hello", more))).done).toBe(true);
      const { temperature, top_p } = sent();
      expect([temperature, top_p].every((value) => typeof value === "number" && value > 0)).toBe(true);
      expect(sent()).not.toHaveProperty("top_k");
    },
  );

  it.each(["split=1", "split=7"])("arrives whole however its bytes come (%s)", async (directive) => {
    const content = `Say something [sim tokens=12 ${directive}]`;
    expect(await readStream(await ask(content))).toMatchObject({ text: said(content).text, done: true });
  });

  // The end mark is the last event: behind any other one it comes too early.
  const places = Array.from({ length: events - 1 }, (_, at) => at);
  it.each([
    ...places.flatMap((at) => [`die=${at}`, `fin=${at}`, `cutin=${at + 1}`]),
    // The last event before the end mark makes the answer complete.
    ...places.filter((at) => at < events - 1).map((at) => `error=${at}`),
    "nofinish",
    "onlydone",
    "abort=3",
    "html",
    "status=500",
  ])("is never taken for an answer where it fails (%s)", async (fault) => {
    const content = `Fail me [sim tokens=${TOKENS} ${fault}]`;
    const response = await ask(content);
    if (response.status !== 200) {
      expect([502, 503]).toContain(response.status);
      return expect((await errorOf(response)).message).toContain(kind);
    }
    const heard = await readStream(response);
    expect(heard).toMatchObject({ done: false, finishes: [], usage: undefined });
    expect(heard.error).toBeDefined();
    expect(said(content).text).toContain(heard.text);
  });

  it.each([
    ["in full", {}, 500],
    ["up to its limit", { max_tokens: 5 }, 5],
  ])("is put together to a whole answer %s", async (_, more, tokensMax) => {
    const { text, finish } = said("Tell me of rivers", tokensMax);
    const answer = (await (await ask("Tell me of rivers", { ...WHOLE, ...more })).json()) as Answer;
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]).toMatchObject({ finish_reason: finish });
    expect(textOf(answer)).toBe(text);
    expect(answer.usage).toMatchObject({ estimated: true });
    expect(sent()).toMatchObject({ stream: true });
  });

  it("is put together to a whole answer that ends at a stop text", async () => {
    const free = said("Stop me").text;
    const stop = free.slice(11, 19);
    const answer = (await (await ask("Stop me", { ...WHOLE, stop })).json()) as Answer;
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop" });
    expect(textOf(answer)).toBe(free.slice(0, free.indexOf(stop)));
  });

  it.each(["die=3", "fin=3", "cutin=3", "error=3", "nofinish", "onlydone", "html", "status=500"])(
    "is put together to nothing where it fails (%s)",
    async (fault) => {
      const response = await ask(`Fail me [sim tokens=${TOKENS} ${fault}]`, WHOLE);
      expect([502, 503]).toContain(response.status);
      expect((await errorOf(response)).message).toContain(kind);
    },
  );

  it.each([true, false])(
    "has as many choices as there are requests made of it (stream: %s)",
    async (stream) => {
      const response = await ask("Twice [sim tokens=5]", { n: 2, ...(stream ? usageShown : WHOLE) });
      expect(response.status).toBe(200);
      const finishes = stream
        ? (await readStream(response)).finishes
        : ((await response.json()) as Answer).choices.map(({ finish_reason }) => finish_reason);
      expect(finishes).toEqual(["stop", "stop"]);
      expect(proof().sim(kind).seen().accepted).toBe(2);
    },
  );

  it.each([
    ["seed", { seed: 1 }],
    ["top_k", { top_k: 5 }],
    ["presence_penalty", { presence_penalty: 1 }],
    ["logit_bias", { logit_bias: { "42": 1 } }],
  ])("is refused by name where the engine would ignore what is asked: %s", async (param, more) => {
    const response = await ask("Hello", more);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "unsupported_parameter", param });
    expect(proof().sim(kind).seen().accepted).toBe(0);
  });
});

describe("a chat with a server that has no template", () => {
  it("is refused, with what to do instead", async () => {
    const response = await post(proof(), CHAT, chat(modelOf("deepspeed-native"), "Hello", { stream: true }));
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "unsupported_parameter", param: "messages" });
    expect(error.message).toContain("/v1/completions");
  });
});
