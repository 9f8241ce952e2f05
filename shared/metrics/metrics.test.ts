import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUCKETS_S, MetricsBuffer, type Series, mergeSeries, renderMetrics, seriesKey } from "./metrics.ts";

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

  it("says nothing of nothing", () => {
    expect(renderMetrics({})).toBe("");
  });

  it("escapes what would break a line", () => {
    expect(seriesKey("eco_requests_total", { model: 'a"b\\c\nd' })).toBe(
      'eco_requests_total{model="a\\"b\\\\c\\nd"}',
    );
  });
});
