import type { Exchange } from "./exchanges.ts";
import type { JsonObject } from "./model/json.ts";

// DeepSpeed-MII's servers drop what they do not know without a word: there is nothing to record of tools, JSON or
// reasoning. Two of the three know no chat.

const HELLO = "Say hello to the gateway";
const PROMPT = "Once upon a time";
const sampling = { temperature: 0.7, top_p: 0.9 };

/** A request that generates, in the words of one of the servers. */
type Ask = (name: string, text: string, more?: Partial<Exchange>) => Exchange;

/** The OpenAI-style server. */
export function deepspeedStyle(model: string): Exchange[] {
  const chat = (name: string, messages: JsonObject[], more: JsonObject, rest: Partial<Exchange> = {}) => ({
    name,
    method: "POST" as const,
    path: "/v1/chat/completions",
    body: { model, messages, max_tokens: 64, ...sampling, ...more },
    ...rest,
  });
  const user = (content: string) => [{ role: "user", content }];
  const streamed = { stream: true };
  const completion = { model, prompt: PROMPT, max_tokens: 16, ...sampling };
  const path = "/v1/completions";
  return [
    chat("chat", user(HELLO), {}),
    chat("chat-stream", user(HELLO), streamed),
    { name: "completion", method: "POST", path, body: completion },
    { name: "completion-stream", method: "POST", path, body: { ...completion, ...streamed } },
    { name: "models", method: "GET", path: "/v1/models" },
    chat("error-400", [{ role: "user", content: ["not a text"] }], {}),
    chat("error-404", user(HELLO), { model: "no-such-model" }),
    chat("error-midstream", user("[sim error=6] Fail half-way"), streamed, { simulatorOnly: true }),
    chat("cut", user("[sim die=6] Die half-way"), streamed, { simulatorOnly: true }),
  ];
}

/** The simple server: `/generate` is all that it has. */
export function deepspeedNativeStyle(): Exchange[] {
  const path = "/generate";
  const ask: Ask = (name, prompt, more = {}) => {
    const body = { prompt, max_tokens: 64, ...sampling, stream: name !== "completion" };
    return { name, method: "POST", path, body, ...more };
  };
  return [
    ask("completion", PROMPT),
    ask("completion-stream", PROMPT),
    { name: "models", method: "GET", path: "/health" },
    { name: "error-400", method: "POST", path, body: { text: "no prompt" } },
    { name: "error-404", method: "POST", path: "/no-such-route", body: {} },
    ask("error-midstream", "[sim error=6] Fail half-way", { simulatorOnly: true }),
    ask("cut", "[sim die=6] Die half-way", { simulatorOnly: true }),
  ];
}

/** The RESTful gateway, whose deployment has the model's name. A stream of it is its whole answer. */
export function deepspeedRestStyle(model: string): Exchange[] {
  const path = `/mii/${model}`;
  const ask: Ask = (name, prompt, more = {}) => {
    const body = { prompts: [prompt], max_new_tokens: 64, do_sample: true, ...sampling };
    return { name, method: "POST", path, body, ...more };
  };
  return [
    ask("completion", PROMPT),
    ask("completion-stream", PROMPT),
    { name: "models", method: "GET", path: "/healthz" },
    { name: "error-400", method: "POST", path, headers: { "content-type": "application/json" } },
    ask("error-404", PROMPT, { path: "/mii/no-such-deployment" }),
    ask("cut", "[sim cutin=1] Die half-way", { simulatorOnly: true }),
  ];
}
