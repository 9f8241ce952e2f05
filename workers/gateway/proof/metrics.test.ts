import { describe, expect, it } from "vitest";
import { readPrometheus } from "../../../shared/metrics/testing.ts";
import { adminOf } from "./admin.ts";
import { chat, post, readStream } from "./asking.ts";
import { type EngineSpec, proofForFile } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const ENGINES: readonly EngineSpec[] = [
  { kind: "vllm", id: "first", sim: { models: ["pair"] }, config: { weight: 1000, concurrencyMax: 7 } },
  { kind: "vllm", id: "second", sim: { models: ["pair"] }, config: { weight: 0 } },
  { kind: "ollama", id: "named", config: { concurrencyMax: 1, queueMax: 0 } },
];
const proof = proofForFile(ENGINES);
const admin = adminOf(proof);

type Samples = ReadonlyMap<string, number>;

/** All numbers, of text that is as it must be. */
async function scrape(): Promise<Samples> {
  const { samples, faults } = readPrometheus(await (await admin("GET", "/metrics")).text());
  expect(faults).toEqual([]);
  return samples;
}

/** By how much these samples grow while `work` goes on. */
async function grown(names: readonly string[], work: () => Promise<unknown>): Promise<number[]> {
  const before = await scrape();
  await work();
  const after = await scrape();
  return names.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0));
}

const ask = (model: string, content: string, more = {}, headers: Record<string, string> = {}) =>
  post(proof(), CHAT, chat(model, content, more), {
    headers: { authorization: `Bearer ${proof().adminKey}`, ...headers },
  });
const stream = async (model: string, content: string) => {
  const response = await ask(model, content, { stream: true });
  const heard = await readStream(response);
  await proof().lineOf(response);
  return heard;
};

describe("the metrics of requests", () => {
  it.each<[string, string, number, string]>([
    ["an engine's failure", "[sim status=500]", 502, "engine_failed"],
    ["a mistake of the caller", "[sim status=422]", 422, "engine_rejected"],
  ])("count errors by class: %s", async (_, content, status, kind) => {
    const error = `eco_errors_total{class="${kind}"}`;
    const answered = `eco_requests_total{operation="chat",model="pair",status="${status}"}`;
    expect(await grown([error, answered], () => ask("pair", content))).toEqual([1, 1]);
  });

  it("count a stream that broke off as an error", async () => {
    const names = [
      'eco_errors_total{class="engine_failed"}',
      'eco_streams_total{model="pair",outcome="engine_failed"}',
    ];
    expect(await grown(names, () => stream("pair", "[think] [sim tokens=9 die=5]"))).toEqual([1, 1]);
  });

  it("count those that go to another engine, and the time at each", async () => {
    const names = [
      'eco_retries_total{engine="second",kind="failover"}',
      'eco_engine_attempts_total{engine="first",outcome="failure"}',
      'eco_engine_attempts_total{engine="second",outcome="answered"}',
      'eco_engine_request_seconds_count{engine="first"}',
      'eco_engine_request_seconds_count{engine="second"}',
      'eco_queue_wait_seconds_count{engine="second",priority="low"}',
    ];
    const work = () => ask("pair", "[sim on=first status=500]", {}, { "x-eco-priority": "low" });
    expect(await grown(names, work)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it("tell an engine's time to its first token, and between two, for a stream that it wrote alone", async () => {
    const labels = '{engine="first",model="pair"}';
    const names = [
      `eco_time_to_first_token_seconds_count${labels}`,
      `eco_inter_token_seconds_count${labels}`,
      'eco_engine_request_seconds_count{engine="first"}',
    ];
    const before = await scrape();
    await stream("pair", "[sim tokens=11 first=30 gap=20]");
    const after = await scrape();
    expect(names.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0))).toEqual([1, 1, 1]);
    const gapS = `eco_inter_token_seconds_sum${labels}`;
    expect((after.get(gapS) ?? 0) - (before.get(gapS) ?? 0)).toBeGreaterThan(0.01);
    const continued = () => stream("pair", "[sim tokens=11] [sim on=first die=6]");
    expect(await grown(names, continued)).toEqual([1, 0, 1]);
  });

  it("count those that get no slot", async () => {
    const abort = new AbortController();
    const held = await post(proof(), CHAT, chat("sim-named", "Hold [sim hang=3]", { stream: true }), {
      signal: abort.signal,
    });
    const refused = 'eco_queue_refusals_total{engine="named",reason="full"}';
    expect(await grown([refused], () => ask("sim-named", "Next"))).toEqual([1]);
    abort.abort();
    await held.body?.cancel().catch(() => undefined);
    await proof().lineOf(held);
  });

  it("name a model by its id, whatever it was called, and nothing that callers make up", async () => {
    const name = 'eco_requests_total{operation="chat",model="sim-named:latest",status="200"}';
    const work = async () => {
      for (const model of ["sim-named", "sim-named:latest", "SIM-NAMED"])
        expect((await ask(model, "Hello")).status).toBe(200);
      await ask('made-up"} 1\n', "Hello");
    };
    expect(await grown([name], work)).toEqual([3]);
    const samples = await scrape();
    expect([...samples.keys()].filter((key) => key.includes("made-up") || key.includes("SIM"))).toEqual([]);
  });
});

describe("the gauges of engines", () => {
  it("show how many slots each has, and that it is well", async () => {
    const samples = await scrape();
    expect(samples.get('eco_engine_slots{engine="first"}')).toBe(7);
    for (const { id } of ENGINES) {
      expect(samples.get(`eco_engine_up{engine="${id}"}`)).toBe(1);
      expect(samples.get(`eco_engine_health{engine="${id}",state="ready"}`)).toBe(1);
      expect(samples.get(`eco_circuit_state{engine="${id}",state="closed"}`)).toBe(1);
      expect(samples.get(`eco_queue_depth{engine="${id}"}`)).toBe(0);
    }
  });

  it("follow a circuit as it opens and closes, and do not call its engine down", async () => {
    const of = async (metric: string) => (await scrape()).get(`${metric}}`);
    await admin("POST", "/admin/objects/engine/second/force-open");
    await expect.poll(() => of('eco_circuit_state{engine="second",state="open"')).toBe(1);
    expect(await of('eco_circuit_state{engine="second",state="closed"')).toBe(0);
    expect(await of('eco_engine_up{engine="second"')).toBe(1);
    await admin("POST", "/admin/objects/engine/second/reset");
    await expect.poll(() => of('eco_circuit_state{engine="second",state="closed"')).toBe(1);
  });

  it("follow an engine that goes and comes", async () => {
    const up = async () => (await scrape()).get('eco_engine_up{engine="second"}');
    await proof().sim("second").kill();
    await expect.poll(up, { timeout: 10_000 }).toBe(0);
    await proof().sim("second").revive();
    await expect.poll(up, { timeout: 10_000 }).toBe(1);
  });

  it("follow a drain", async () => {
    const draining = async () => (await scrape()).get('eco_engine_draining{engine="second"}');
    await admin("POST", "/admin/engines/second/drain");
    await expect.poll(draining).toBe(1);
    await admin("POST", "/admin/engines/second/resume");
    await expect.poll(draining).toBe(0);
  });
});
