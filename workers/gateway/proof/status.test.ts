import { Ajv2020 } from "ajv/dist/2020.js";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readPrometheus } from "../../../shared/metrics/testing.ts";
import { chat, get, post, readStream } from "./asking.ts";
import { KINDS, ONE_OF_EACH, modelOf, proofForFile } from "./harness.ts";
import type { OpenApiDocument } from "./openapi-answers.ts";

const CHAT = "/v1/chat/completions";
const proof = proofForFile(ONE_OF_EACH, { METRICS_PUBLIC: "1" });

type Samples = ReadonlyMap<string, number>;

/** Reads Prometheus text, and holds it to the format. */
function readMetrics(text: string): Samples {
  const { samples, faults } = readPrometheus(text);
  expect(faults).toEqual([]);
  return samples;
}

const scrape = async (): Promise<Samples> => readMetrics(await (await get(proof(), "/metrics")).text());
/** How much the samples that match have grown. */
const growth = (before: Samples, after: Samples, pattern: RegExp): number =>
  [...after]
    .filter(([key]) => pattern.test(key))
    .reduce((sum, [key, value]) => sum + value - (before.get(key) ?? 0), 0);

describe("/metrics", () => {
  it("counts what was done", async () => {
    const before = await scrape();
    const model = modelOf("vllm");
    const responses = [
      await post(proof(), CHAT, chat(model, "One", { max_tokens: 4 })),
      await post(proof(), CHAT, chat(model, "Two [sim tokens=5]", { stream: true })),
      await post(proof(), CHAT, chat(model, "Three [sim tokens=5 die=3]", { stream: true })),
      await post(proof(), CHAT, chat(model, "Four", { temperature: 9 })),
      await post(proof(), "/v1/embeddings", { model, input: "Five" }),
    ];
    await Promise.all(responses.map((response) => response.text()));
    await Promise.all(responses.map((response) => proof().lineOf(response)));
    const after = await scrape();
    const grew = (pattern: RegExp) => growth(before, after, pattern);
    expect(grew(/^eco_requests_total\{operation="chat",model="sim-vllm",status="200"\}/)).toBe(3);
    expect(grew(/^eco_requests_total\{operation="chat",model="",status="400"\}/)).toBe(1);
    expect(grew(/^eco_requests_total\{operation="embedding",model="sim-vllm",status="200"\}/)).toBe(1);
    expect(grew(/^eco_streams_total\{model="sim-vllm",outcome="complete"\}/)).toBe(1);
    expect(grew(/^eco_streams_total\{model="sim-vllm",outcome="engine_failed"\}/)).toBe(1);
    expect(grew(/^eco_tokens_total\{model="sim-vllm",type="completion"\}/)).toBeGreaterThanOrEqual(9);
    expect(grew(/^eco_tokens_total\{model="sim-vllm",type="prompt"\}/)).toBeGreaterThan(10);
    expect(grew(/^eco_engine_attempts_total\{engine="vllm",outcome="answered"\}/)).toBe(4);
    expect(grew(/^eco_time_to_first_token_seconds_count\{engine="vllm",model="sim-vllm"\}/)).toBe(2);
    expect(grew(/^eco_request_seconds_count\{operation="chat",model="sim-vllm"\}/)).toBe(3);
  });

  it("has histograms whose buckets rise to their count", async () => {
    await (await post(proof(), CHAT, chat(modelOf("openai"), "One"))).text();
    const samples = await scrape();
    const series = [...samples.keys()].filter((key) => key.includes("_count"));
    expect(series).not.toEqual([]);
    for (const key of series) {
      const [name = "", labels = ""] = key.split("_count");
      const inner = labels.slice(1, -1);
      const buckets = [...samples]
        .filter(([each]) => each.startsWith(`${name}_bucket{${inner}`))
        .map(([, value]) => value);
      expect(buckets).toEqual(buckets.toSorted((a, b) => a - b));
      expect(buckets.at(-1)).toBe(samples.get(key));
    }
  });

  it("says which engines are there, and names no series by what a caller wrote", async () => {
    await post(proof(), CHAT, chat('evil"} 1\n', "One"));
    const samples = await scrape();
    for (const kind of KINDS) expect(samples.get(`eco_engine_up{engine="${kind}"}`)).toBe(1);
    expect([...samples.keys()].filter((key) => key.includes("evil"))).toEqual([]);
  });
});

describe("/health and /ready", () => {
  const health = async () =>
    (await (await get(proof(), "/health")).json()) as {
      status: string;
      engines: { ready: number; total: number };
    };
  const ready = async () => {
    const response = await get(proof(), "/ready");
    return {
      status: response.status,
      ...((await response.json()) as { ready: boolean; checks: Record<string, string> }),
    };
  };

  it("follow the engines as they go and come", async () => {
    const total = KINDS.length;
    expect(await ready()).toEqual({ status: 200, ready: true, checks: { database: "ok", engines: "ok" } });
    expect(await health()).toEqual({ status: "ok", engines: { ready: total, total } });
    await proof().sim("vllm").kill();
    expect(await ready()).toMatchObject({ status: 200, ready: true });
    await expect
      .poll(health, { timeout: 10_000 })
      .toEqual({ status: "degraded", engines: { ready: total - 1, total } });
    await Promise.all(KINDS.filter((kind) => kind !== "vllm").map((kind) => proof().sim(kind).kill()));
    await expect.poll(ready, { timeout: 10_000 }).toEqual({
      status: 503,
      ready: false,
      checks: { database: "ok", engines: "none ready" },
    });
    await expect
      .poll(health, { timeout: 10_000 })
      .toEqual({ status: "degraded", engines: { ready: 0, total } });
    await Promise.all(KINDS.map((kind) => proof().sim(kind).revive()));
    await expect.poll(ready, { timeout: 10_000 }).toMatchObject({ status: 200, ready: true });
    await expect
      .poll(health, { timeout: 10_000 })
      .toEqual({ status: "ok", engines: { ready: total, total } });
  });

  it("are not to be kept by anybody", async () => {
    for (const path of ["/health", "/ready"])
      expect((await get(proof(), path)).headers.get("cache-control")).toBe("no-store");
  });
});

describe("/v1/models", () => {
  it("has every model once, in OpenAI's shape, with what the engines tell of it", async () => {
    const { data } = (await (await get(proof(), "/v1/models")).json()) as { data: { id: string }[] };
    const own = KINDS.map((kind) => (kind === "ollama" ? `${modelOf(kind)}:latest` : modelOf(kind)));
    expect(data.map(({ id }) => id)).toEqual(own);
    expect(data.find(({ id }) => id === "sim-vllm")).toMatchObject({
      object: "model",
      owned_by: "vllm",
      engines: ["vllm"],
      context_length: 32_768,
      created: expect.any(Number),
    });
    expect(data.find(({ id }) => id === "sim-llama-cpp")).toMatchObject({ context_length: 32_768 });
  });
});

describe("/openapi.json", () => {
  const read = async () =>
    (await (await get(proof(), "/openapi.json")).json()) as OpenApiDocument & Record<string, unknown>;

  it("is an OpenAPI 3.1 document whose references all lead somewhere and whose schemas all compile", async () => {
    const document = await read();
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document).toMatchObject({
      info: { title: "eco-base", version: expect.any(String) },
      servers: [{ url: proof().url }],
    });
    const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");
    const schemas = pointersTo(document, "schema", "");
    expect(schemas.length).toBeGreaterThan(20);
    for (const at of [
      ...schemas,
      ...Object.keys(document.components?.schemas ?? {}).map((name) => `/components/schemas/${name}`),
    ]) {
      expect(() => ajv.compile({ $ref: `openapi#${encodeURI(at)}` }), at).not.toThrow();
    }
    // While this ran nothing was read: that the server closed an idle connection is to be seen before the next is asked.
    await setImmediate();
  });

  it("describes each operation: what it is, who may, what can go wrong", async () => {
    const { paths } = await read();
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        CHAT,
        "/v1/completions",
        "/v1/embeddings",
        "/v1/rerank",
        "/v1/models",
        "/health",
        "/ready",
        "/metrics",
      ]),
    );
    for (const [path, item] of Object.entries(paths)) {
      for (const operation of Object.values(item) as (Record<string, unknown> &
        OpenApiDocument["paths"][string][string])[]) {
        expect(operation.summary, path).toBeTruthy();
        expect(Object.keys(operation.responses)[0], path).toMatch(/^(101|20[01])$/);
        if (path.startsWith("/v1/")) {
          expect(operation.security, path).toEqual([{ apiKey: [] }]);
          expect(Object.keys(operation.responses), path).toContain("401");
        }
        if (operation === item.post) {
          expect(Object.keys(operation.responses), path).toEqual(expect.arrayContaining(["405", "500"]));
        }
        for (const name of path.match(/(?<=\{)\w+(?=\})/g) ?? []) {
          expect(operation.parameters, path).toContainEqual(
            expect.objectContaining({ name, in: "path", required: true }),
          );
        }
      }
    }
  });

  it("allows null wherever a schema is said to be nullable", async () => {
    // A null beside a reference within allOf allows nothing at all.
    expect(JSON.stringify(await read())).not.toMatch(
      /"allOf":\[\{"\$ref":"[^"]+"\},\{"type":\["\w+","null"\]\}\]/,
    );
  });
});

describe("/docs", () => {
  it("is a page without a script or a byte from elsewhere", async () => {
    const response = await get(proof(), "/docs");
    const page = await response.text();
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|src="http|href="http[^"]*\.(css|js)/i);
    expect(page).toContain("/v1/chat/completions");
  });
});

describe("every answer", () => {
  it("has a request id of its own, which is in the log line", async () => {
    const responses = await Promise.all([
      get(proof(), "/health"),
      get(proof(), "/nowhere"),
      post(proof(), CHAT, "{"),
      post(proof(), CHAT, chat(modelOf("openai"), "One")),
      post(proof(), CHAT, chat(modelOf("openai"), "Two", { stream: true })),
    ]);
    await readStream(responses[4] as Response);
    const ids = responses.map((response) => response.headers.get("x-request-id"));
    expect(new Set(ids).size).toBe(ids.length);
    for (const response of responses)
      expect(await proof().lineOf(response)).toMatchObject({
        status: response.status,
        total_ms: expect.any(Number),
      });
  });
});

/** JSON pointers to every member of this name, outermost first. */
function pointersTo(value: unknown, name: string, at: string): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const pointer = `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    return key === name ? [pointer] : pointersTo(each, name, pointer);
  });
}
