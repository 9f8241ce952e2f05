import { describe, expect, it } from "vitest";
import type { CompletionRequest } from "../contracts/completions.ts";
import { EventTooLarge } from "../streams/sse.ts";
import { deepspeedRest } from "./deepspeed-rest.ts";
import type { EngineCall, EngineEvent, EngineModel } from "./engine.ts";

// Each case is a trap of DeepSpeed-MII's RESTful gateway:
// https://github.com/deepspeedai/DeepSpeed-MII/blob/main/mii/grpc_related/restful_gateway.py

const call = <Body extends object>(
  body: Body,
  model: EngineModel = { names: ["my-deployment"] },
): EngineCall<Body> => ({ body, text: JSON.stringify(body), engine: "box", model, requestId: "req_1" });
const { completion } = deepspeedRest;

const generation = (more: object = {}) => ({
  generated_text: "Good morning",
  prompt_length: 5,
  generated_length: 2,
  finish_reason: "stop",
  ...more,
});
const ask: CompletionRequest = { model: "m", prompt: "Once", max_tokens: 64 };

describe("a request to the RESTful gateway", () => {
  it("goes to the deployment's path, with the members that it knows and without a null or a list", () => {
    const encoded = completion.encode(
      call<CompletionRequest>({ model: "m", prompt: "Once", stop: ["x"], stream: true, seed: null }),
    );
    expect(encoded).toMatchObject({ ok: true, value: { path: "/mii/my-deployment" } });
    expect(encoded.ok && JSON.parse(encoded.value.body)).toEqual({
      prompts: ["Once"],
      max_new_tokens: 16,
      do_sample: true,
      temperature: 1,
      top_p: 0.9,
    });
  });

  it("takes the likeliest token where the temperature is 0", () => {
    const encoded = completion.encode(call({ ...ask, temperature: 0 }));
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject({ do_sample: false, temperature: 1 });
  });

  it("has several prompts at once", () => {
    const encoded = completion.encode(call({ ...ask, prompt: ["Once", "Twice"] }));
    expect(encoded.ok && JSON.parse(encoded.value.body)).toMatchObject({ prompts: ["Once", "Twice"] });
  });

  it.each<[string, string | undefined]>([
    ["org/model-mii-deployment", "/mii/org/model-mii-deployment"],
    ["my deployment?", "/mii/my%20deployment%3F"],
    ["../terminate", undefined],
    ["a/../../terminate", undefined],
    ["./a", undefined],
    ["/terminate", undefined],
    ["", undefined],
  ])("finds no way out of its path by the name %j", (name, path) => {
    const encoded = completion.encode(call(ask, { names: [name] }));
    expect(encoded.ok ? encoded.value.path : undefined).toBe(path);
    if (!encoded.ok) expect(encoded.error).toMatchObject({ kind: "unsupported", param: "model" });
  });
});

describe("an answer of the RESTful gateway", () => {
  const read = (json: unknown, body: Partial<CompletionRequest> = {}, contextLength?: number) =>
    completion.answer(
      json,
      call({ ...ask, ...body }, { names: ["d"], ...(contextLength !== undefined && { contextLength }) }),
      2_000,
    );

  it("has a choice for each prompt, and exact counts of tokens", () => {
    const second = generation({ generated_text: "Bye", prompt_length: 4, finish_reason: "length" });
    expect(read([generation(), second], { prompt: ["a", "b"] })).toEqual({
      ok: true,
      value: {
        id: "cmpl-req_1",
        object: "text_completion",
        created: 2,
        model: "m",
        choices: [
          { index: 0, text: "Good morning", logprobs: null, finish_reason: "stop" },
          { index: 1, text: "Bye", logprobs: null, finish_reason: "length" },
        ],
        usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
      },
    });
  });

  it.each<[what: string, text: string, body: object, shown: string]>([
    ["at the caller's stop text", "one two three", { stop: ["never", " two"] }, "one"],
    ["where the model has ended its turn and runs on", "Hi<|eot_id|><|start_header_id|>", {}, "Hi"],
  ])("ends %s", (_, text, body, shown) => {
    const answer = read([generation({ generated_text: text, finish_reason: "length" })], body);
    expect(answer).toMatchObject({ value: { choices: [{ text: shown, finish_reason: "stop" }] } });
  });

  it("keeps a text that looks like Llama's end of a turn, which it never sends", () => {
    const text = "<s>old</s> new";
    expect(read([generation({ generated_text: text })])).toMatchObject({ value: { choices: [{ text }] } });
  });

  it("has lost its beginning where it is shorter than the limit that ended it", () => {
    const cut = generation({ finish_reason: "length", generated_length: 40 });
    expect(read([cut], {}, 2_048)).toMatchObject({
      ok: false,
      error: { class: "failure", message: expect.stringContaining("lost") },
    });
    expect(read([cut], { max_tokens: 40 }, 2_048).ok).toBe(true);
    expect(read([cut], {}, 45).ok).toBe(true);
    expect(read([cut]).ok).toBe(true);
  });

  it.each<[string, unknown]>([
    ["no list", { message: "x" }],
    ["too few", []],
    ["too many", [generation(), generation()]],
    ["no text", [generation({ generated_text: null })]],
    ["no count of the prompt", [generation({ prompt_length: undefined })]],
    ["no count of the answer", [generation({ generated_length: "many" })]],
    ["no end", [generation({ finish_reason: "none" })]],
    ["nothing in it", [null]],
  ])("is none where there is %s", (_, json) => {
    expect(read(json)).toMatchObject({ ok: false, error: { class: "failure", status: 502 } });
  });
});

describe("a stream of the RESTful gateway", () => {
  function read(pieces: string[], body: Partial<CompletionRequest> = {}): EngineEvent[] {
    const { stream } = completion;
    if (stream.format !== "translated") throw new Error("it is translated");
    const decoder = stream.decoder({ ...ask, ...body });
    const events = pieces.flatMap((piece) => decoder.push(new TextEncoder().encode(piece)));
    expect(events).toEqual([]);
    return [...decoder.end(), ...decoder.end()];
  }
  const whole = JSON.stringify([generation()]);

  it("is one piece, when the whole answer is there", () => {
    expect(read([whole.slice(0, 9), whole.slice(9)])).toEqual([
      { type: "delta", index: 0, content: "Good morning" },
      { type: "finish", index: 0, reason: "stop" },
      { type: "usage", usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
      { type: "done" },
    ]);
  });

  it("has a piece for each prompt, and one end", () => {
    const events = read([JSON.stringify([generation(), generation()])], { prompt: ["a", "b"] });
    expect(events.map((event) => ("index" in event ? `${event.type} ${event.index}` : event.type))).toEqual([
      "delta 0",
      "finish 0",
      "delta 1",
      "finish 1",
      "usage",
      "done",
    ]);
  });

  it.each([[whole.slice(0, 20)], ['{"message": "lost"}'], ["<html>"]])(
    "has failed where it says %j",
    (text) => {
      expect(read([text])).toMatchObject([{ type: "error", fault: { class: "failure" } }]);
    },
  );

  it("says nothing of nothing", () => {
    expect(read([])).toEqual([]);
  });

  it("gives up on an answer without end", () => {
    const { stream } = completion;
    const decoder = stream.format === "translated" ? stream.decoder(ask) : undefined;
    const piece = new Uint8Array(1024 * 1024).fill(32);
    expect(() => {
      for (let n = 0; n < 20; n++) decoder?.push(piece);
    }).toThrow(EventTooLarge);
  });
});

describe("an error of the RESTful gateway", () => {
  const page =
    "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>\n";

  it.each<[what: string, status: number, body: string, fault: object]>([
    ["whatever breaks inside", 500, '{"message": "Internal Server Error"}\n', { class: "failure" }],
    ["a name that it has no deployment of", 404, page, { class: "client_fault", code: "model_not_found" }],
    ["a tunnel's page", 404, "<html>no tunnel</html>", { class: "failure" }],
    [
      "JSON that it cannot read",
      400,
      '{"message": "The browser (or proxy) sent a request that this server could not understand."}\n',
      { class: "client_fault", status: 400 },
    ],
    ["a type that it does not take", 415, '{"message": "Did not attempt"}\n', { class: "failure" }],
  ])("is %s", (_, status, body, fault) => {
    expect(deepspeedRest.classify(status, body, undefined)).toMatchObject(fault);
  });
});

describe("what the RESTful gateway tells of itself", () => {
  it("is that it lives, and no models: the operator names the deployment", () => {
    expect(deepspeedRest.health.read(200, "ok")).toBe("ready");
    expect(deepspeedRest.models.read("ok")).toEqual([]);
    expect(deepspeedRest.trimBaseUrl("http://gpu:51080/mii/my-deployment/")).toBe("http://gpu:51080");
  });
});
