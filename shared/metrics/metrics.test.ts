import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKETS_S } from "./catalog.ts";
import { MetricsBuffer } from "./metrics.ts";
import { renderMetrics } from "./render.ts";
import { readPrometheus } from "./testing.ts";
import { type Series, mergeSeries, metricOf, seriesKey } from "./series.ts";

type Act = { add: boolean; label: string; value: number };
const act: fc.Arbitrary<Act> = fc.record({
  add: fc.boolean(),
  label: fc.constantFrom("a", "b", 'c"\\\n'),
  value: fc.integer({ min: 0, max: 1_000 }),
});
const play = (buffer: MetricsBuffer, acts: readonly Act[]): void => {
  for (const { add, label, value } of acts) {
    if (add) buffer.add("eco_tokens_total", { model: label }, value);
    else buffer.observe("eco_request_seconds", { model: label }, value);
  }
};
const counted = (acts: readonly Act[]): Series => {
  const buffer = new MetricsBuffer();
  play(buffer, acts);
  return buffer.take();
};
const acts = fc.array(act);

describe("merging", () => {
  it("comes to the same wherever and in whatever order things were counted", () => {
    fc.assert(
      fc.property(acts, acts, acts, (a, b, c) => {
        const together = renderMetrics(counted([...a, ...b, ...c]));
        expect(renderMetrics(mergeSeries(mergeSeries(counted(a), counted(b)), counted(c)))).toBe(together);
        expect(renderMetrics(mergeSeries(counted(c), mergeSeries(counted(b), counted(a))))).toBe(together);
        expect(mergeSeries(counted(a), {})).toEqual(counted(a));
      }),
    );
  });

  it("loses no count, and keeps the label sets of a metric few, however many there are", () => {
    const engines = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
    const countedBy = (ids: readonly number[]): Series => {
      const buffer = new MetricsBuffer(1_000);
      for (const id of ids)
        buffer.add("eco_engine_attempts_total", { engine: `e${id}`, outcome: "answered" });
      return buffer.take();
    };
    fc.assert(
      fc.property(engines, engines, (a, b) => {
        const known = mergeSeries({}, countedBy(a), 5);
        const merged = mergeSeries(known, countedBy(b), 5);
        expect(Object.keys(merged).length).toBeLessThanOrEqual(6);
        expect(Object.values(merged).reduce((sum, [count = 0]) => sum + count, 0)).toBe(a.length + b.length);
        for (const key of Object.keys(known))
          expect(merged[key]?.[0]).toBeGreaterThanOrEqual(known[key]?.[0] ?? 0);
      }),
    );
  });

  it("changes neither of the two", () => {
    const a = counted([{ add: true, label: "a", value: 1 }]);
    const b = counted([{ add: true, label: "a", value: 2 }]);
    mergeSeries(a, b);
    expect([Object.values(a), Object.values(b)]).toEqual([[[1]], [[2]]]);
  });
});

describe("a buffer", () => {
  it("loses nothing when what it handed over comes back, whatever was counted meanwhile", () => {
    fc.assert(
      fc.property(acts, acts, (before, after) => {
        const buffer = new MetricsBuffer();
        play(buffer, before);
        const taken = buffer.take();
        play(buffer, after);
        buffer.restore(taken);
        expect(renderMetrics(buffer.take())).toBe(renderMetrics(counted([...before, ...after])));
        expect(buffer.isEmpty).toBe(true);
      }),
    );
  });
});

describe("a buffer whose metric has all its label sets", () => {
  it("counts the rest of the engines and models as others, and tells their other labels", () => {
    const buffer = new MetricsBuffer(2);
    for (const model of ["a", "b", "c", "d", "a", "c"])
      buffer.add("eco_requests_total", { operation: "chat", model, status: "200" });
    buffer.add("eco_streams_total", { model: "d", outcome: "complete" });
    expect(buffer.take()).toEqual({
      'eco_requests_total{operation="chat",model="a",status="200"}': [2],
      'eco_requests_total{operation="chat",model="b",status="200"}': [1],
      'eco_requests_total{operation="chat",model="other",status="200"}': [3],
      'eco_streams_total{model="d",outcome="complete"}': [1],
    });
  });

  it("is read the same where sums are made", () => {
    const sums = mergeSeries(
      { 'eco_streams_total{model="a",outcome="complete"}': [1] },
      {
        'eco_streams_total{model="a, \\"model=\\"b",outcome="complete"}': [2],
      },
      1,
    );
    expect(sums).toEqual({
      'eco_streams_total{model="a",outcome="complete"}': [1],
      'eco_streams_total{model="other",outcome="complete"}': [2],
    });
    expect(Object.keys(sums).map(metricOf)).toEqual(["eco_streams_total", "eco_streams_total"]);
  });
});

describe("rendering", () => {
  it("writes counters and histograms as Prometheus reads them", () => {
    const buffer = new MetricsBuffer();
    buffer.add("eco_requests_total", { operation: "chat", status: "200" });
    buffer.add("eco_requests_total", { operation: "chat", status: "200" }, 2);
    buffer.add("eco_estimated_usage_total", {});
    for (const seconds of [0.01, 0.02, 700]) buffer.observe("eco_request_seconds", { model: "m" }, seconds);
    const lines = renderMetrics(buffer.take()).split("\n");
    expect(lines).toContain('eco_requests_total{operation="chat",status="200"} 3');
    expect(lines).toContain("eco_estimated_usage_total 1");
    expect(lines).toContain('eco_request_seconds_bucket{model="m",le="0.01"} 1');
    expect(lines).toContain('eco_request_seconds_bucket{model="m",le="0.025"} 2');
    expect(lines).toContain('eco_request_seconds_bucket{model="m",le="600"} 2');
    expect(lines).toContain('eco_request_seconds_bucket{model="m",le="+Inf"} 3');
    expect(lines).toContain('eco_request_seconds_count{model="m"} 3');
    expect(lines.filter((line) => line.startsWith("# TYPE eco_request_seconds "))).toEqual([
      "# TYPE eco_request_seconds histogram",
    ]);
    expect(lines.at(-1)).toBe("");
  });

  it("has buckets that rise to the count", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }), { minLength: 1 }), (observed) => {
        const buffer = new MetricsBuffer();
        for (const seconds of observed) buffer.observe("eco_request_seconds", {}, seconds);
        const buckets = [...renderMetrics(buffer.take()).matchAll(/_bucket\{le="([^"]+)"\} (\d+)/g)].map(
          ([, bound, count]) => [bound, Number(count)] as const,
        );
        expect(buckets.map(([bound]) => bound)).toEqual([...BUCKETS_S.map(String), "+Inf"]);
        for (const [bound, count] of buckets)
          expect(count).toBe(
            observed.filter((seconds) => bound === "+Inf" || seconds <= Number(bound)).length,
          );
      }),
    );
  });

  it("is read by Prometheus, whatever a model is called", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.double({ min: 0, max: 1e9, noNaN: true }))),
        (seen) => {
          const buffer = new MetricsBuffer();
          for (const [model, value] of seen) {
            buffer.add("eco_tokens_total", { model, type: "prompt" }, value);
            buffer.observe("eco_inter_token_seconds", { engine: "e", model }, value);
          }
          expect(readPrometheus(renderMetrics(buffer.take())).faults).toEqual([]);
        },
      ),
    );
  });

  it("has finer buckets where what is measured is short", () => {
    const buffer = new MetricsBuffer();
    buffer.observe("eco_inter_token_seconds", { engine: "e", model: "m" }, 0.012);
    const { samples } = readPrometheus(renderMetrics(buffer.take()));
    expect(samples.get('eco_inter_token_seconds_bucket{engine="e",model="m",le="0.01"}')).toBe(0);
    expect(samples.get('eco_inter_token_seconds_bucket{engine="e",model="m",le="0.015"}')).toBe(1);
  });

  it("says nothing of nothing", () => {
    expect(renderMetrics({})).toBe("");
  });

  it("escapes what would break a line", () => {
    expect(seriesKey("eco_requests_total", { model: 'a"b\\c\nd' })).toBe(
      'eco_requests_total{model="a\\"b\\\\c\\nd"}',
    );
  });
});
