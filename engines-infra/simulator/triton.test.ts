import { describe, expect, it } from "vitest";
import { generate } from "./model/generate.ts";
import type { Simulator } from "./simulator.ts";
import { events, get, leaveWhen, post, withSimulator } from "./testing.ts";

// What Triton does with the models of its TensorRT-LLM backend:
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md

const CLASSIC = "/v2/models/ensemble/generate";
const LLM_API = "/v2/models/sim-model/generate";

const classic = (run: (sim: Simulator) => Promise<void>) => () =>
  withSimulator({ kind: "triton", models: ["ensemble"] }, run);
const llmApi = (run: (sim: Simulator) => Promise<void>) => () => withSimulator({ kind: "triton" }, run);

const ask = (text: string, more: object = {}) => ({ text_input: text, max_tokens: 6, ...more });
const askApi = (text: string, more: object = {}) => ({
  text_input: text,
  sampling_param_max_tokens: 6,
  sampling_param_exclude_input_from_output: true,
  return_finish_reason: true,
  ...more,
});
const streamApi = (directive: string) => askApi(`Once [sim tokens=4 ${directive}]`, { streaming: true });
const tokens = generate("", "Once", { tokens: 4 });
const textsOf = (text: string): string[] => events(text).map((event) => JSON.parse(event).text_output);

describe("a classic model of triton", () => {
  it(
    "answers byte for byte, with the prompt before the text unless it is told not to",
    classic(async (sim) => {
      const told = {
        exclude_input_in_output: true,
        return_num_input_tokens: true,
        return_num_output_tokens: true,
      };
      const { text } = await post(sim, CLASSIC, ask("Once [sim tokens=2]", told));
      const said = JSON.stringify(tokens.slice(0, 2).join(""));
      expect(text).toBe(
        `{"model_name":"ensemble","model_version":"1","sequence_index":0,"batch_index":0,"text_output":${said},` +
          `"cum_log_probs":0.0,"output_log_probs":[0.0,0.0],"context_logits":0.0,"generation_logits":0.0,` +
          `"num_input_tokens":1,"num_output_tokens":2}`,
      );
      const echoed = JSON.parse((await post(sim, CLASSIC, ask("Once [sim tokens=2]"))).text);
      expect(echoed).toMatchObject({ text_output: `Once${tokens.slice(0, 2).join("")}` });
      expect(echoed).not.toHaveProperty("num_input_tokens");
    }),
  );

  it(
    "streams new text alone, and ends without a mark",
    classic(async (sim) => {
      const body = ask("Once [sim tokens=4]", { stream: true, exclude_input_in_output: true });
      const heard = await post(sim, `${CLASSIC}_stream`, body);
      expect(heard.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(textsOf(heard.text)).toEqual([...tokens, ""]);
      expect(heard.text).not.toContain("[DONE]");
    }),
  );

  it(
    "gives a single event where it is not asked to stream",
    classic(async (sim) => {
      const { text } = await post(sim, `${CLASSIC}_stream`, ask("Once [sim tokens=4]"));
      expect(textsOf(text)).toHaveLength(1);
    }),
  );

  it(
    "leaves the stop text in",
    classic(async (sim) => {
      const stop = tokens[2] ?? "";
      const body = ask("Once [sim tokens=4]", { stop_words: [stop], exclude_input_in_output: true });
      expect(textsOf((await post(sim, CLASSIC, body)).text)[0]).toBe(tokens.slice(0, 3).join(""));
    }),
  );

  it(
    "keeps to a guide",
    classic(async (sim) => {
      const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
      const guide = {
        guided_decoding_guide_type: "json_schema",
        guided_decoding_guide: JSON.stringify(schema),
        exclude_input_in_output: true,
        max_tokens: 60,
      };
      const [said = ""] = textsOf((await post(sim, CLASSIC, ask("Once", guide))).text);
      expect(JSON.parse(said)).toHaveProperty("city");
    }),
  );

  it(
    "is listed with its steps",
    classic(async (sim) => {
      const { model_stats } = JSON.parse((await get(sim, "/v2/models/stats")).text);
      expect(model_stats.map(({ name }: { name: string }) => name)).toEqual([
        "ensemble",
        "preprocessing",
        "tensorrt_llm",
        "postprocessing",
      ]);
    }),
  );
});

describe("a model of triton's LLM API", () => {
  it(
    "streams all of the text every time, and says at the end why it ended",
    llmApi(async (sim) => {
      const { text } = await post(sim, `${LLM_API}_stream`, streamApi(""));
      const all = tokens.map((_, at) => tokens.slice(0, at + 1).join(""));
      expect(textsOf(text)).toEqual([...all, tokens.join("")]);
      expect(events(text).map((event) => JSON.parse(event).finish_reason)).toEqual([
        ...tokens.map(() => "None"),
        "stop",
      ]);
    }),
  );

  it(
    "has a limit of its own where it is told none, and its own name for one",
    llmApi(async (sim) => {
      const asked = async (more: object) =>
        JSON.parse((await post(sim, LLM_API, askApi("Once [sim tokens=90]", more))).text);
      expect(await asked({ sampling_param_max_tokens: 3 })).toMatchObject({
        text_output: generate("", "Once", { tokens: 90 }).slice(0, 3).join(""),
        finish_reason: "length",
      });
      const { text_output } = await asked({ sampling_param_max_tokens: undefined, max_tokens: 3 });
      expect(text_output).toBe(generate("", "Once", { tokens: 90 }).slice(0, 32).join(""));
    }),
  );

  it.each(["/v2/models/sim-model/versions/1/generate", LLM_API])("is asked at %s", (path) =>
    withSimulator({ kind: "triton" }, async (sim) => {
      expect((await post(sim, path, askApi("Once [sim tokens=4]"))).text).toContain('"finish_reason":"stop"');
    }),
  );

  it("has the seed in its name for it", () =>
    withSimulator({ kind: "triton" }, async (sim) => {
      const said = async (seed: number) =>
        (await post(sim, LLM_API, askApi("Once", { sampling_param_seed: seed }))).text;
      expect(await said(1)).toBe(await said(1));
      expect(await said(1)).not.toBe(await said(2));
    }));
});

describe("the directives on triton", () => {
  const path = `${LLM_API}_stream`;

  it(
    "break a stream off, end it early, and make it fail in its own words",
    llmApi(async (sim) => {
      const full = events((await post(sim, path, streamApi(""))).text);
      for (const count of [1, 3, 5]) {
        const died = await post(sim, path, streamApi(`die=${count}`));
        expect(died).toMatchObject({ broken: true });
        expect(events(died.text)).toEqual(full.slice(0, count));
        const ended = await post(sim, path, streamApi(`fin=${count}`));
        expect(ended).toMatchObject({ broken: false });
        expect(events(ended.text)).toEqual(full.slice(0, count));
      }
      for (const count of [0, 2]) {
        const failed = await post(sim, path, streamApi(`error=${count}`));
        expect(failed).toMatchObject({ status: 200, broken: false });
        expect(events(failed.text)).toHaveLength(count + 1);
        expect(JSON.parse(events(failed.text).at(-1) ?? "")).toEqual({ error: expect.any(String) });
      }
    }),
  );

  it(
    "answer with a status before anything has begun",
    llmApi(async (sim) => {
      for (const status of [400, 404, 429, 500, 503]) {
        const heard = await post(sim, path, streamApi(`status=${status}`));
        expect(heard.status).toBe(status);
        expect(JSON.parse(heard.text)).toEqual({ error: expect.any(String) });
      }
      const full = await post(sim, path, streamApi("overload"));
      expect(full).toMatchObject({ status: 503, text: '{"error":"Exceeds maximum queue size"}' });
    }),
  );

  it("see a client leave, and what was generated until then", () =>
    withSimulator({ kind: "triton", gapMs: 5 }, async (sim) => {
      const body = askApi("Once [sim tokens=4000]", { streaming: true, sampling_param_max_tokens: 4000 });
      await leaveWhen(sim, path, body, (heard) => heard.split("\n\n").length > 6);
      const { requests } = await sim.waitFor(
        (seen) => seen.requests[0]?.state === "aborted" && seen.running === 0,
      );
      expect(requests[0]?.tokens).toBeGreaterThan(2);
      expect(requests[0]?.tokens).toBeLessThan(200);
    }));
});

describe("what triton tells about itself", () => {
  it(
    "is ready with 200 and not ready with 400, and alive in any case",
    llmApi(async (sim) => {
      expect(await get(sim, "/v2/health/ready")).toMatchObject({ status: 200, text: "" });
      await sim.configure({ loading: true });
      expect((await get(sim, "/v2/health/ready")).status).toBe(400);
      expect((await get(sim, "/v2/models/sim-model/ready")).status).toBe(400);
      expect((await get(sim, "/v2/health/live")).status).toBe(200);
      expect(JSON.parse((await get(sim, "/v2/models/stats")).text)).toEqual({ model_stats: [] });
    }),
  );

  it(
    "is its name, its models and each of them",
    llmApi(async (sim) => {
      expect(JSON.parse((await get(sim, "/v2")).text)).toMatchObject({ name: "triton" });
      expect(JSON.parse((await post(sim, "/v2/repository/index", {})).text)).toMatchObject([
        { name: "sim-model" },
      ]);
      expect(JSON.parse((await get(sim, "/v2/models/sim-model")).text)).toMatchObject({ name: "sim-model" });
      expect(JSON.parse((await get(sim, "/v2/models/sim-model/stats")).text).model_stats).toHaveLength(1);
      expect((await get(sim, "/v2/models/x")).status).toBe(404);
      expect(await get(sim, "/no-such-route")).toMatchObject({ status: 404, text: "" });
    }),
  );

  it(
    "is its load, a sample for each kind of request",
    llmApi(async (sim) => {
      const { text } = await get(sim, "/metrics");
      expect(text).toContain(
        'nv_trt_llm_request_metrics{request_type="active",model="tensorrt_llm",version="1"} 0\n',
      );
    }),
  );

  it.each(["load", "unload"])("is told to %s a model", (action) =>
    withSimulator({ kind: "triton" }, async (sim) => {
      expect((await post(sim, `/v2/repository/models/sim-model/${action}`, {})).status).toBe(200);
    }),
  );
});
