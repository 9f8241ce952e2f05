import { describe, expect, it } from "vitest";
import { familyOf, parseMachineCpu, parseProcessStat, parseSchedstatNs, parseStatusKb } from "./proc-text.ts";

it.each([
  ["workerd", "4242 (workerd) S 17 4242 17 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 9 0 100 1 1"],
  [
    "a name that looks like fields",
    "4242 (a) S 1 (b 2) S 17 4242 17 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 9 0 100 1 1",
  ],
])("reads the parent and the CPU of %s", (_, text) => {
  expect(parseProcessStat(text)).toEqual({ parentPid: 17, cpuMs: 2000 });
});

it("reads a thread's nanoseconds", () => {
  expect(parseSchedstatNs("123456789 4711 42\n")).toBe(123_456_789);
});

it("reads memory in kB", () => {
  const status = "Name:\tworkerd\nVmPeak:\t  999 kB\nVmHWM:\t  123456 kB\nVmRSS:\t  100000 kB\n";
  expect([
    parseStatusKb(status, "VmHWM"),
    parseStatusKb(status, "VmRSS"),
    parseStatusKb("", "VmRSS"),
  ]).toEqual([123_456, 100_000, 0]);
});

it("counts neither idling nor waiting for a disk as busy", () => {
  expect(parseMachineCpu("cpu  100 10 50 9999 888 3 7 4 0 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n")).toEqual({
    busyMs: 1700,
    stolenMs: 40,
  });
});

describe("a family", () => {
  const parents = new Map([
    [2, 1],
    [3, 2],
    [4, 3],
    [5, 1],
    [6, 99],
  ]);
  it.each<[number, number[]]>([
    [2, [2, 3, 4]],
    [1, [1, 2, 5, 3, 4]],
    [6, [6]],
  ])("of %d is %j", (root, family) => {
    expect(familyOf(root, parents)).toEqual(family);
  });
});
