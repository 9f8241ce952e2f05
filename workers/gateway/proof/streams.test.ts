import { describe, expect, it } from "vitest";
import { predictChat } from "../../../engines-infra/simulator/index.ts";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { type EngineSpec, ONE_OF_EACH, modelOf, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";

/** Each kind as it is relayed unless told, and the native kinds also with every event looked at. */
const ENGINES: readonly EngineSpec[] = [
  ...ONE_OF_EACH,
  { kind: "openai", id: "openai-exact", config: { relay: "exact" } },
  { kind: "llama-cpp", id: "llama-exact", config: { relay: "exact" } },
];
const IDS = ENGINES.map(({ kind, id = kind }) => id);

/** Engines whose bytes reach the client before anybody has read them, where usage is shown. */
const NATIVE: ReadonlySet<string> = new Set(["llama-cpp", "openai"]);

const proof = proofForFile(ENGINES);

const usageShown = { stream: true, stream_options: { include_usage: true } };
const ask = (id: string, content: string, more: Record<string, unknown> = usageShown) =>
  post(proof(), CHAT, chat(modelOf(id), content, more));

const TOKENS = 6;

/** Which event of a stream of six tokens has the finish: that is Ollama's one last line. Behind it come usage and `[DONE]`. */
function finishOf(id: string): number {
  if (id === "ollama") return TOKENS + 1;
  // TGI's role comes with its tokens, and so does LMDeploy's.
  const before = id === "lmdeploy" || id === "tgi" ? 0 : 1;
  return before + TOKENS + 1;
}

/** Where an engine can fail that has not said its last word: before anything, at its beginning, later, at its end. */
const faultsOf = (id: string): readonly string[] => [
  ...[0, 1, 2, 4, finishOf(id) - 1].flatMap((at) => [
    `error=${at}`,
    `die=${at}`,
    `fin=${at}`,
    `cutin=${at + 1}`,
  ]),
  "abort=1",
  "abort=4",
  "onlydone",
  "html",
  "status=500",
];

/** Where it can be lost that has: before its usage, and before its end mark. */
const lateFaultsOf = (id: string): readonly string[] =>
  id === "ollama"
    ? []
    : [finishOf(id), finishOf(id) + 1].flatMap((at) => [`die=${at}`, `fin=${at}`, `cutin=${at + 1}`]);

describe.each(IDS)("a stream of %s", (id) => {
  it("has the model's text, one finish, and the usage", async () => {
    const content = "Tell me of rivers [sim tokens=40]";
    const expected = predictChat({ messages: [{ role: "user", content }] });
    const heard = await readStream(await ask(id, content));
    expect(heard).toMatchObject({
      text: expected.text,
      finishes: [expected.finish],
      done: true,
      error: undefined,
    });
    expect(heard.usage).toMatchObject({
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.completionTokens,
      total_tokens: expected.promptTokens + expected.completionTokens,
    });
    expect(heard.usage).not.toHaveProperty("estimated");
  });

  it.each([{}, { stream_options: {} }, { stream_options: { include_usage: false } }])(
    "tells no usage that nobody asked for (%j)",
    async (options) => {
      const response = await ask(id, "Hello", { stream: true, ...options });
      const heard = await readStream(response);
      expect(heard).toMatchObject({ done: true, usage: undefined });
      const { promptTokens, completionTokens } = predictChat({
        messages: [{ role: "user", content: "Hello" }],
      });
      expect((await proof().lineOf(response)).usage).toMatchObject({
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
      });
    },
  );

  it("shows the model's reasoning apart from its text, under one name", async () => {
    if (id.startsWith("openai"))
      return expect((await readStream(await ask(id, "[think] Why?"))).reasoning).toBe("");
    const heard = await readStream(await ask(id, "[think] Why?"));
    expect(heard.reasoning).not.toBe("");
    expect(heard.text).toBe(predictChat({ messages: [{ role: "user", content: "[think] Why?" }] }).text);
    expect(JSON.stringify(heard.chunks)).not.toContain('"reasoning":');
  });

  it.each(["split=1", "split=7", "crlf", "split=1 crlf"])(
    "arrives whole however its bytes come (%s)",
    async (directive) => {
      const content = `Say something [sim tokens=12 ${directive}]`;
      const heard = await readStream(await ask(id, content));
      expect(heard).toMatchObject({
        text: predictChat({ messages: [{ role: "user", content }] }).text,
        done: true,
      });
    },
  );

  it("carries a token of half a megabyte", async () => {
    const heard = await readStream(await ask(id, "[sim tokens=4 huge=500000]"));
    expect(heard.done).toBe(true);
    expect(heard.text).toContain("x".repeat(500_000));
  });

  it("goes on over a character that the engine cut", async () => {
    const content = `Oh [sim tokens=${TOKENS} badutf8=4]`;
    const heard = await readStream(await ask(id, content));
    // In Ollama's lines the simulator cuts between two tokens of JSON: such a line cannot be read at all.
    if (id === "ollama") return expect(heard.error?.message).toContain("not JSON");
    expect(heard.done).toBe(true);
    expect(heard.text.replaceAll("\ufffd", "")).toBe(
      predictChat({ messages: [{ role: "user", content }] }).text,
    );
    expect(heard.text).toContain("\ufffd");
  });

  it.each(faultsOf(id))(
    "tells the client that it failed, and never that it ended well (%s)",
    async (fault) => {
      const content = `Fail me [sim tokens=${TOKENS} ${fault}]`;
      const response = await ask(id, content);
      if (response.status !== 200) {
        expect([502, 503]).toContain(response.status);
        expect((await errorOf(response)).message).toContain(id);
        return;
      }
      const heard = await readStream(response);
      expect(heard.error).toBeDefined();
      expect(heard.done).toBe(false);
      expect(predictChat({ messages: [{ role: "user", content }] }).text).toContain(heard.text);
      if (!NATIVE.has(id)) {
        expect(heard.finishes).toEqual([]);
        expect(heard.usage).toBeUndefined();
      }
    },
  );

  it.each(lateFaultsOf(id))("is whole where the engine is lost behind its finish (%s)", async (fault) => {
    const content = `Nearly [sim tokens=${TOKENS} ${fault}]`;
    const { text, finish, promptTokens, completionTokens } = predictChat({
      messages: [{ role: "user", content }],
    });
    const response = await ask(id, content);
    const heard = await readStream(response);
    expect(heard).toMatchObject({ text, finishes: [finish], done: true, error: undefined });
    // Its own numbers where they came, and what we counted where they did not.
    const { estimated, ...usage } = heard.usage ?? { completion_tokens: 0 };
    expect(usage.completion_tokens).toBe(completionTokens);
    if (!estimated) expect(usage).toMatchObject({ prompt_tokens: promptTokens });
    expect(await proof().lineOf(response)).toMatchObject({
      outcome: "complete",
      usage: { completion_tokens: completionTokens },
      attempts: [{ engine: id }],
    });
  });

  it("tells of what goes wrong behind its finish, and that the text is whole all the same", async () => {
    if (id === "ollama") return;
    const content = `Nearly [sim tokens=${TOKENS} error=${finishOf(id)}]`;
    const { text, finish } = predictChat({ messages: [{ role: "user", content }] });
    const heard = await readStream(await ask(id, content));
    expect(heard.text).toBe(text);
    // TensorRT-LLM says nothing of its errors: it ends.
    if (id === "tensorrt-llm") return expect(heard).toMatchObject({ finishes: [finish], done: true });
    expect(heard.error).toBeDefined();
    expect(heard.done).toBe(false);
  });

  it("is no success without a finish, whatever the engine says at its end", async () => {
    const request = {
      headers: { authorization: `Bearer ${proof().key}`, "content-type": "application/json" },
      method: "POST",
    };
    const body = JSON.stringify(chat(modelOf(id), `[sim tokens=${TOKENS} nofinish]`, usageShown));
    // Not judged: the engine's own [DONE] is out before anybody knows, and the error comes behind it.
    const heard = await readStream(
      await (NATIVE.has(id) ? fetch : proof().fetch)(proof().url + CHAT, { ...request, body }),
    );
    expect(heard.error).toBeDefined();
    expect(heard.finishes).toEqual([]);
    expect(heard.done).toBe(NATIVE.has(id));
  });

  it("is marked estimated where the engine tells no usage", async () => {
    const response = await ask(id, `Count yourself [sim tokens=${TOKENS} nousage]`);
    const heard = await readStream(response);
    const estimated = { completion_tokens: TOKENS, prompt_tokens: expect.any(Number), estimated: true };
    expect(heard.done).toBe(true);
    // What is relayed natively has the engine's own chunks only.
    if (NATIVE.has(id)) expect(heard.usage).toBeUndefined();
    else expect(heard.usage).toMatchObject(estimated);
    expect((await proof().lineOf(response)).usage).toMatchObject(estimated);
  });

  it("is written down when its last byte is out, with how it ended", async () => {
    const complete = await ask(id, "[sim tokens=3]");
    const broken = await ask(id, "[sim tokens=3 die=2]");
    await Promise.all([readStream(complete), readStream(broken)]);
    const request = {
      status: 200,
      operation: "chat",
      model: modelOf(id),
      engine: id,
      path: CHAT,
      method: "POST",
    };
    expect(await proof().lineOf(complete)).toMatchObject({ ...request, outcome: "complete" });
    expect(await proof().lineOf(broken)).toMatchObject({
      ...request,
      outcome: "engine_failed",
      error: "engine_failed",
    });
  });
});

describe("many streams at once", () => {
  it("are each complete and each right", async () => {
    const asked = Array.from({ length: 64 }, (_, at) => ({
      id: IDS[at % IDS.length] ?? "",
      content: `Number ${at} [sim tokens=20 gap=1]`,
    }));
    const heard = await Promise.all(asked.map(async ({ id, content }) => readStream(await ask(id, content))));
    for (const [at, { text, done }] of heard.entries()) {
      expect(text).toBe(predictChat({ messages: [{ role: "user", content: asked[at]?.content }] }).text);
      expect(done).toBe(true);
    }
  });
});
