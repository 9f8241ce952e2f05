import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gauge } from "./prometheus-text.ts";

const TEXT = `# HELP vllm:num_requests_running Number of requests
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a b} 7"} 2.0
vllm:num_requests_running{engine="1",model_name="m"} 3.0 1700000000
vllm:num_requests_running_total 99
not_vllm:num_requests_running 50
llamacpp:requests_deferred 4
llamacpp:requests_processing 1e1
vllm:kv_cache_usage_perc{engine="0"} 0.25
broken{a="b"} none
endless +Inf`;

describe("gauge", () => {
  it.each([
    ["vllm:num_requests_running", 5],
    ["vllm:num_requests_running_total", 99],
    ["vllm:num_requests", undefined],
    ["num_requests_running", undefined],
    ["llamacpp:requests_deferred", 4],
    ["llamacpp:requests_processing", 10],
    ["vllm:kv_cache_usage_perc", 0.25],
    ["broken", undefined],
    ["endless", undefined],
    ["absent", undefined],
  ])("of %s is %s", (name, value) => {
    expect(gauge(TEXT, name)).toBe(value);
  });

  it("sums the series of all label sets", () => {
    const series = fc.array(
      fc.record({
        label: fc.string().map((text) => text.replaceAll(/[\\"\n\r]/g, "")),
        value: fc.integer({ min: 0, max: 1_000 }),
      }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(series, (list) => {
        const text = list
          .map(({ label, value }) => `up{l="${label}"} ${value}\n`)
          .join("# a comment\nup_not 5\n");
        expect(gauge(text, "up")).toBe(list.reduce((sum, { value }) => sum + value, 0));
      }),
    );
  });
});
