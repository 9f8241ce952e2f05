import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../contracts/chat.ts";
import type { EngineCall } from "./engine.ts";
import { llamaCpp } from "./llama-cpp.ts";

const question = { role: "user" as const, content: "Tell me of a river" };
const begun = { role: "assistant" as const, content: "The river was" };
const call = (more: object, ownedBy?: string): EngineCall<ChatRequest> => {
  const body: ChatRequest = { model: "m", messages: [question, begun], ...more };
  const model = { names: ["m"], ...(ownedBy !== undefined && { ownedBy }) };
  return { body, text: JSON.stringify(body), engine: "box", model, requestId: "req_1" };
};
const sent = (asked: EngineCall<ChatRequest>): Record<string, unknown> => {
  const encoded = llamaCpp.chat.encode(asked);
  return encoded.ok ? (JSON.parse(encoded.value.body) as Record<string, unknown>) : { ...encoded.error };
};
const GOES_ON = { continue_final_message: true, add_generation_prompt: false, echo: false };
const FIELDS = Object.keys(GOES_ON);

describe("a beginning that llama.cpp goes on with", () => {
  it("is not said again in a stream", () => {
    expect(sent(call({ stream: true }))).toMatchObject(GOES_ON);
  });

  it("is continued as the caller says", () => {
    const body = sent(call({ stream: true, continue_final_message: "content" }));
    expect(body).toMatchObject({ ...GOES_ON, continue_final_message: "content" });
  });

  it.each<[what: string, asked: EngineCall<ChatRequest>]>([
    ["the answer comes whole, where it has no effect", call({})],
    ["the caller wants it said again", call({ stream: true, echo: true })],
    ["the last message is a question", call({ stream: true, messages: [question] })],
    ["it is empty", call({ stream: true, messages: [question, { role: "assistant", content: "" }] })],
    ["the embedded engine answers, which never says it again", call({ stream: true }, "eco-base")],
  ])("is left alone where %s", (_, asked) => {
    const body = sent(asked);
    for (const name of FIELDS) expect(body[name]).toBe(asked.body[name]);
  });

  const answer = (content: string, asked: EngineCall<ChatRequest>) => {
    const json = {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    };
    const read = llamaCpp.chat.answer(json, asked, 0);
    return read.ok ? read.value.choices[0]?.message.content : read.error;
  };

  it.each<[what: string, said: string, asked: EngineCall<ChatRequest>, content: string]>([
    ["of a newer build", "The river was wide.", call({}), " wide."],
    ["of an older build, which does not say it", " wide.", call({}), " wide."],
    ["whose caller wants it", "The river was wide.", call({ echo: true }), "The river was wide."],
    ["to a question", "The river was wide.", call({ messages: [question] }), "The river was wide."],
    ["of the embedded engine", "The river was wide.", call({}, "eco-base"), "The river was wide."],
  ])("is taken out of a whole answer %s", (_, said, asked, content) => {
    expect(answer(said, asked)).toBe(content);
  });
});
