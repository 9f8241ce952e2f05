import type { EngineKind } from "../../../shared/engines/engines.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { type Outcome, fail, judge, pass, skip } from "../outcome.ts";
import { isChat } from "../speaker.ts";
import { type Trouble, wordsOf } from "../trouble.ts";

/** These answer under whatever name they are asked for: one process serves one model. */
const BLIND_TO_NAMES: ReadonlySet<string> = new Set([
  "deepspeed-native",
  "llama-cpp",
  "sglang",
  "tgi",
  "tensorrt-llm",
] satisfies string[]);

/** Where the engine does not tell its context, more than any model of today is given. */
const CONTEXT_UNTOLD = 40_000;

/** A caller's mistakes, which must never be taken for the engine's. */
export const faultChecks: readonly Check[] = [
  {
    id: "unknown-model",
    title: "takes an unknown model for the caller's mistake",
    async run({ adapter, kind, call, bodies, speaker }) {
      const model = { names: ["no-such-model"] };
      const body = bodies.text({ model: "no-such-model" });
      const encoded = isChat(body)
        ? adapter.chat.encode(call(body, model))
        : adapter.completion.encode(call(body, model));
      if (!encoded.ok) return pass(encoded.error.kind);
      const heard = await speaker.ask("unknown-model", encoded.value);
      if (heard.ok && isBlind(kind)) return skip("it answers under any name");
      return mistake(heard);
    },
  },
  {
    id: "malformed",
    title: "takes broken JSON for the caller's mistake",
    async run({ bodies, speaker }) {
      const encoded = speaker.encode(bodies.text());
      if (!encoded.ok) return fail(encoded.error.kind);
      const body = encoded.value.body.slice(0, -2);
      return mistake(await speaker.ask("malformed", { ...encoded.value, body }));
    },
  },
  {
    id: "wrong-type",
    title: "takes a field of the wrong type for the caller's mistake",
    async run({ bodies, speaker }) {
      const encoded = speaker.encode(bodies.text({ temperature: "hot" }));
      if (!encoded.ok) return pass(encoded.error.kind);
      const heard = await speaker.ask("wrong-type", encoded.value);
      return heard.ok ? skip("it looks at no types") : mistake(heard);
    },
  },
  {
    id: "context",
    title: "says that a prompt is too long for the context",
    feature: "chat",
    async run(lab) {
      const messages = [{ role: "user" as const, content: tooLong(lab) }];
      const whole = await lab.chat("context", { messages, max_tokens: 4 });
      const streamed = await lab.streamChat("context-stream", { messages, max_tokens: 4 });
      const first = overflow(whole);
      return first.result === "pass" ? overflow(streamed) : first;
    },
  },
  {
    id: "context-completion",
    title: "says so of a completion's prompt too",
    feature: "completion",
    async run(lab) {
      return overflow(await lab.completion("context-completion", { prompt: tooLong(lab), max_tokens: 4 }));
    },
  },
  {
    id: "context-embedding",
    title: "says that a text is too long to embed",
    feature: "embedding",
    async run(lab) {
      const works = await lab.embedding("context-embedding", { input: "short" });
      if (!works.ok) return skip(wordsOf(works.error));
      return mistake(await lab.embedding("context-embedding", { input: tooLong(lab, lab.models.embedding) }));
    },
  },
];

const isBlind = (kind: EngineKind): boolean => BLIND_TO_NAMES.has(kind);

/** Every word is a token at least. */
const tooLong = ({ models }: Lab, model = models.chat): string =>
  "river ".repeat((model.contextLength ?? CONTEXT_UNTOLD) + 100);

function mistake(said: Result<unknown, Trouble>): Outcome {
  if (said.ok) return fail("it is answered");
  if (said.error.by === "adapter") return pass(wordsOf(said.error));
  const { fault } = said.error;
  return judge(wordsOf(said.error), [[fault.class === "client_fault", `taken for a ${wordsOf(said.error)}`]]);
}

function overflow(said: Result<unknown, Trouble>): Outcome {
  const taken = mistake(said);
  if (taken.result !== "pass" || said.ok || said.error.by === "adapter") return taken;
  const { code } = said.error.fault;
  return judge(taken.detail, [
    [code === "context_length_exceeded", `its code is ${code ?? "untold"}: ${taken.detail}`],
  ]);
}
