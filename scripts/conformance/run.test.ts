import { describe, expect, it } from "vitest";
import { kinds } from "../../engines-infra/simulator/kinds/registry.ts";
import { type SimulatorOptions, startSimulator } from "../../engines-infra/simulator/simulator.ts";
import { engineKinds } from "../../shared/engines/engines.ts";
import type { Options } from "./options.ts";
import { type Report, runChecks } from "./run.ts";
import { lineOf, summaryOf } from "./table.ts";

/** A pace that leaves time to leave: an answer of 1,500 tokens is under way for more than a second. */
const GAP_MS = 1;

async function reportOf(sim: SimulatorOptions, options: Partial<Options> = {}): Promise<Report> {
  const simulator = await startSimulator({ gapMs: GAP_MS, ...sim });
  try {
    return await runChecks({ kind: sim.kind, url: simulator.url, timeoutMs: 20_000, ...options });
  } finally {
    await simulator.stop();
  }
}

const failuresOf = ({ rows }: Report) => rows.filter(({ result }) => result === "fail").map(lineOf);

describe("conformance", () => {
  const both = engineKinds.filter((kind) => kind in kinds);

  // They wait for their engines more than they work.
  it.concurrent.each(both)("finds nothing wrong with a simulated %s", { timeout: 120_000 }, async (kind) => {
    const report = await reportOf({ kind }, { model: "sim-model" });
    expect(failuresOf(report)).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.rows.filter(({ result }) => result === "pass").length).toBeGreaterThan(5);
    expect(summaryOf(report)).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/);
  });

  it.each<[id: string, what: string, sim: SimulatorOptions]>([
    ["chat", "answers with an error of its own", { kind: "vllm", always: "status=500" }],
    ["chat-stream", "streams no end", { kind: "llama-cpp", always: "nofinish" }],
    ["chat-stream", "cuts its streams", { kind: "vllm", always: "die=9" }],
    ["usage", "tells no usage", { kind: "openai", always: "nousage" }],
    ["wide", "loses half a character", { kind: "vllm", always: "badutf8=6" }],
    ["context", "has no room for anything, and says something else", { kind: "openai", always: "html" }],
    ["continue", "does not go on with a text", { kind: "llama-cpp", continuesPrefill: false }],
    ["disconnect", "generates for clients that left", { kind: "vllm", gapMs: 4, disconnectPollMs: 600_000 }],
    ["models", "serves nothing", { kind: "openai", models: [] }],
  ])("fails in %s where an engine %s", async (id, _, sim) => {
    const report = await reportOf(sim, { only: [id] });
    expect(report.rows.map((row) => [row.id, row.result])).toEqual([[id, "fail"]]);
    expect(report.ok).toBe(false);
  });

  it("uses the engine's key, and finds that another is refused", async () => {
    const report = await reportOf({ kind: "llama-cpp", apiKey: "k" }, { apiKey: "k", only: ["chat", "key"] });
    expect(report.rows.map(({ result }) => result)).toEqual(["pass", "pass"]);
  });

  it("keeps every answer as it came", async () => {
    const { recordings } = await reportOf({ kind: "ollama" }, { only: ["chat-stream"] });
    expect(recordings.map(({ name }) => name)).toEqual(["models", "chat", "chat-stream"]);
    const text = new TextDecoder().decode(recordings[2]?.bytes);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\{.*"done":true.*\}\n$/s);
  });

  it("says of an engine that is not there what every check says", async () => {
    const gone = runChecks({ kind: "vllm", url: "http://127.0.0.1:9", timeoutMs: 1_000 });
    await expect(gone).rejects.toThrow(/ECONNREFUSED/);
  });
});
