import { describe, expect, it } from "vitest";
import { readPrometheus } from "./testing.ts";

const GOOD = [
  "# HELP a_total What it counts.",
  "# TYPE a_total counter",
  'a_total{x="1",y="a \\"b\\" \\\\ \\n, c"} 3',
  'a_total{x="2",y=""} 1e+21',
  "# HELP h_seconds How long.",
  "# TYPE h_seconds histogram",
  'h_seconds_bucket{m="q",le="0.5"} 1',
  'h_seconds_bucket{m="q",le="+Inf"} 2',
  'h_seconds_sum{m="q"} 0.75',
  'h_seconds_count{m="q"} 2',
  "",
].join("\n");
const without = (line: number) => GOOD.split("\n").toSpliced(line, 1).join("\n");

describe("the check of Prometheus text", () => {
  it("reads what is right", () => {
    const { samples, faults } = readPrometheus(GOOD);
    expect(faults).toEqual([]);
    expect(samples.get('h_seconds_bucket{m="q",le="+Inf"}')).toBe(2);
    expect(samples.size).toBe(6);
  });

  it.each<[string, string]>([
    ["no end of line", GOOD.slice(0, -1)],
    ["no help", without(0)],
    ["no type", without(1)],
    ["a series twice", GOOD.replace('x="2",y=""', 'x="1",y="a \\"b\\" \\\\ \\n, c"')],
    ["a family in two places", `${GOOD}# HELP a_total Again.\n`],
    ["labels of another shape", GOOD.replace('{x="2",y=""}', '{x="2"}')],
    ["a label twice", GOOD.replace('y=""', 'x=""')],
    ["a quote that is not escaped", GOOD.replace('y=""', 'y="""')],
    ["a comma too many", GOOD.replace('y=""', 'y="",')],
    ["no number", GOOD.replace("1e+21", "many")],
    ["a counter of another name", GOOD.replaceAll("a_total", "a")],
    ["buckets that fall", GOOD.replace('le="0.5"} 1', 'le="0.5"} 3')],
    [
      "buckets that do not end at the count",
      GOOD.replace('h_seconds_count{m="q"} 2', 'h_seconds_count{m="q"} 3'),
    ],
    ["no last bucket", without(7)],
    ["no sum", without(8)],
  ])("finds %s", (_, text) => {
    expect(readPrometheus(text).faults).not.toEqual([]);
  });
});
