import { describe, expect, it } from "vitest";
import { type CpuReading, cpuMsBetween, memoryMb, processTree, readCpu } from "./process-cpu.ts";

const reading = (coarseMs: number, threads: Record<string, number>): CpuReading => ({
  coarseMs,
  threadsNs: new Map(Object.entries(threads)),
});

it.each<[string, CpuReading, CpuReading, number]>([
  ["adds what each thread used", reading(0, { a: 1e6, b: 2e6 }), reading(10, { a: 3e6, b: 2.5e6 }), 2.5],
  ["counts a thread that began meanwhile from zero", reading(0, { a: 0 }), reading(0, { a: 1e6, b: 4e6 }), 5],
  [
    "falls back to the coarse clock when a thread ended",
    reading(100, { a: 0, b: 9e6 }),
    reading(150, { a: 1e6 }),
    50,
  ],
])("%s", (_, before, after, cpuMs) => {
  expect(cpuMsBetween(before, after)).toBe(cpuMs);
});

describe.runIf(process.platform === "linux")("on Linux", () => {
  it("sees this process use the CPU", () => {
    const before = readCpu([process.pid]);
    const untilMs = performance.now() + 30;
    while (performance.now() < untilMs) Math.sqrt(untilMs);
    expect(cpuMsBetween(before, readCpu([process.pid]))).toBeGreaterThan(1);
  });

  it("sees this process as its parent's child", () => {
    expect(processTree(process.ppid)).toContain(process.pid);
    expect(processTree(process.pid)[0]).toBe(process.pid);
  });

  it("sees memory, and none where there is no process", () => {
    expect(memoryMb([process.pid], "now")).toBeGreaterThan(10);
    expect(memoryMb([process.pid], "peak")).toBeGreaterThanOrEqual(memoryMb([process.pid], "now") * 0.9);
    expect(memoryMb([2 ** 30], "now")).toBe(0);
  });
});
