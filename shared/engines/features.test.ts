import { describe, expect, it } from "vitest";
import { splitChoices } from "../chat/fan-out.ts";
import type { ChatRequest } from "../contracts/chat.ts";
import {
  checkChatRequest,
  checkCompletionRequest,
  checkEmbeddingRequest,
  checkRerankRequest,
} from "../contracts/parse-body.ts";
import type { Failure } from "../kernel/failure.ts";
import type { Result } from "../kernel/result.ts";
import { FEATURES, type Feature, featuresOf } from "./abilities.ts";
import type { EngineAdapter, EngineCall, EngineRequest, Exchange, Operation } from "./engine.ts";
import { engines } from "./engines.ts";
import { FEATURE_SAMPLES, LEAST } from "./features.ts";

// What every engine says of itself is true: asked for what it refuses, it says so by name; asked for all else, it is
// sent that. A new engine is tested the moment the registry lists it.

type Body = Record<string, unknown>;

const CHECKS: Record<Operation, (body: Body) => Result<object, Failure>> = {
  chat: checkChatRequest,
  completion: checkCompletionRequest,
  embedding: checkEmbeddingRequest,
  rerank: checkRerankRequest,
};

const call = <B>(body: B): EngineCall<B> => ({
  body,
  text: JSON.stringify(body),
  engine: "box",
  model: { names: ["sim-model"] },
  requestId: `req_${"0".repeat(32)}`,
});

/** Every adapter's exchange of an operation takes what its check lets through. */
const exchangeOf = (adapter: EngineAdapter, operation: Operation) =>
  adapter[operation] as Exchange<Body, unknown> | undefined;

/** Where a kind is asked for a feature: in a legacy completion where it has no chats. */
function asked(
  { abilities }: EngineAdapter,
  feature: Feature,
): { operation: Operation; fields: Body } | undefined {
  const { operation, fields, inCompletion } = FEATURE_SAMPLES[feature];
  if (feature === operation || operation !== "chat" || abilities.chat !== "refused")
    return { operation, fields };
  return inCompletion && { operation: "completion", fields: inCompletion };
}

const requestOf = (operation: Operation, fields: Body): Body => ({
  model: "sim-model",
  ...LEAST[operation],
  ...fields,
});

function encoded(
  adapter: EngineAdapter,
  operation: Operation,
  body: Body,
): Result<EngineRequest, Failure> | undefined {
  expect(CHECKS[operation](body)).toMatchObject({ ok: true });
  return exchangeOf(adapter, operation)?.encode(call(body));
}

/** What is sent, path and all, for a request that must be sent. */
function sent(adapter: EngineAdapter, operation: Operation, body: Body): string {
  const request = encoded(adapter, operation, body);
  if (!request?.ok) throw new Error(`is refused: ${JSON.stringify(request?.error ?? "no such operation")}`);
  return `${request.value.path} ${request.value.body}`;
}

function expectRefused(adapter: EngineAdapter, feature: Feature): void {
  const { param, needs } = FEATURE_SAMPLES[feature];
  const where = asked(adapter, feature);
  // An engine without chats has nothing that is only asked for in one.
  if (!where) return expect(adapter.abilities.chat).toBe("refused");
  const refusal = encoded(adapter, where.operation, requestOf(where.operation, where.fields));
  if (!refusal) return;
  expect(refusal).toMatchObject({ ok: false, error: { kind: "unsupported", engine: "box" } });
  const named = refusal.ok || !("param" in refusal.error) ? "" : (refusal.error.param ?? "");
  const params = [param ?? "", ...(needs ? [FEATURE_SAMPLES[needs].param ?? ""] : [])];
  expect(
    params.some((each) => named.startsWith(each)),
    named,
  ).toBe(true);
}

function expectSent(adapter: EngineAdapter, feature: Feature): void {
  const where = asked(adapter, feature);
  if (!where) throw new Error("is only asked for in chats, of which it has none");
  const { traces = [], needs } = FEATURE_SAMPLES[feature];
  const text = sent(adapter, where.operation, requestOf(where.operation, where.fields));
  for (const trace of traces) expect(text).toContain(trace);
  if (Object.keys(where.fields).length === 0) return;
  const without = needs ? FEATURE_SAMPLES[needs].fields : {};
  const base = sent(adapter, where.operation, requestOf(where.operation, without));
  expect(traces.some((trace) => base.includes(trace))).toBe(false);
}

/** What the platform does for an engine must not keep the request from it. */
function expectTaken(adapter: EngineAdapter, feature: Feature): void {
  const where = asked(adapter, feature);
  if (!where) throw new Error("is only asked for in chats, of which it has none");
  const body = requestOf(where.operation, FEATURE_SAMPLES[feature].unasked ? {} : where.fields);
  const bodies = feature === "several_choices" ? splitChoices(body as ChatRequest) : [body];
  expect(bodies).toHaveLength(feature === "several_choices" ? 3 : 1);
  for (const each of bodies) sent(adapter, where.operation, each);
}

const WRITTEN = { text: "Once upon a time there was a text that broke off", tokens: 11 };

function expectContinuation(adapter: EngineAdapter): void {
  const request =
    adapter.abilities.chat === "refused"
      ? adapter.completion.continue?.(call({ model: "sim-model", prompt: "Tell me:" }), WRITTEN)
      : adapter.chat.continue?.(call(requestOf("chat", {}) as ChatRequest), WRITTEN);
  if (adapter.abilities.continuation === "refused") return expect(request?.ok ?? false).toBe(false);
  expect(request).toMatchObject({ ok: true });
  expect(request?.ok && request.value.body).toContain(WRITTEN.text);
}

describe.each<[string, EngineAdapter]>(Object.entries(engines))(
  "what %s says of itself is true",
  (_, adapter) => {
    it.each(
      FEATURES.filter((feature) => feature !== "continuation").map(
        (feature) => [feature, adapter.abilities[feature]] as const,
      ),
    )("%s: %s", (feature, support) => {
      if (support === "refused") expectRefused(adapter, feature);
      else if (support === "engine") expectSent(adapter, feature);
      else expectTaken(adapter, feature);
    });

    it(`continuation: ${adapter.abilities.continuation}`, () => {
      expectContinuation(adapter);
    });
  },
);

describe("the features", () => {
  it("have a title each, and one that is theirs alone", () => {
    const titles = FEATURES.map((feature) => FEATURE_SAMPLES[feature].title);
    expect(new Set(titles).size).toBe(FEATURES.length);
    expect(Object.keys(FEATURE_SAMPLES)).toEqual(FEATURES);
  });

  it("are served by an engine, or by the platform for it, in their order", () => {
    const { abilities } = engines.vllm;
    expect(featuresOf(abilities)).toEqual(FEATURES);
    expect(featuresOf({ ...abilities, chat: "gateway", rerank: "refused" })).toEqual(
      FEATURES.filter((feature) => feature !== "rerank"),
    );
  });
});
