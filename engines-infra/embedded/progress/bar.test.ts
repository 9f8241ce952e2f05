import { describe, expect, it } from "vitest";
import { barLine, createProgressBar, sizeText } from "./bar.ts";

function bar(isTerminal: boolean, quiet = false) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const output = { write: (text: string) => void written.push(text), isTerminal, columns: () => 80 };
  return { written, clock, progress: createProgressBar({ output, nowMs: () => clock.ms, quiet }) };
}

describe("progress bar", () => {
  it("shows share, sizes, rate and the time that is left", () => {
    const line = barLine({ label: "model", totalBytes: 100e6, doneBytes: 25e6, startedMs: 0 }, 5000, 100);
    expect(line).toBe("model  [======                  ]  25 %  25.0 MB of 100.0 MB  5.0 MB/s  15 s left");
  });

  it.each([20, 40, 60, 80, 200])("fits into %i columns", (columns) => {
    const state = {
      label: "fetching SmolLM2-135M-Instruct",
      totalBytes: 92_871_040,
      doneBytes: 12_345_678,
      startedMs: 0,
    };
    expect(barLine(state, 3000, columns).length).toBeLessThan(columns);
  });

  it("shows only what it knows where the size is not known", () => {
    expect(barLine({ label: "x", doneBytes: 2e6, startedMs: 0 }, 100, 80)).toBe("x  2.0 MB");
  });

  it("redraws one line on a terminal, not more often than the eye can follow, and clears it in the end", () => {
    const { written, clock, progress } = bar(true);
    progress.start("model", 1000);
    for (let step = 0; step < 100; step += 1) {
      clock.ms += 10;
      progress.advance(10);
    }
    progress.done();
    expect(written.length).toBeLessThan(14);
    expect(written.every((text) => text.startsWith("\r\x1b[2K") && !text.includes("\n"))).toBe(true);
    expect(written.at(-1)).toBe("\r\x1b[2K");
  });

  it("writes plain lines into a log, about one for every tenth", () => {
    const { written, clock, progress } = bar(false);
    progress.start("model", 100e6);
    for (let step = 0; step < 1000; step += 1) {
      clock.ms += 300;
      progress.advance(1e5);
    }
    progress.done();
    expect(written.length).toBe(11);
    expect(written[0]).toBe("model (100.0 MB)\n");
    expect(written.every((text) => text.endsWith("\n") && !text.includes("\x1b"))).toBe(true);
  });

  it("does not fill a log when it goes fast", () => {
    const { written, progress } = bar(false);
    progress.start("model", 100);
    for (let step = 0; step < 100; step += 1) progress.advance(1);
    expect(written).toHaveLength(1);
  });

  it("is silent when it is told to be", () => {
    const { written, progress } = bar(true, true);
    progress.start("model", 100);
    progress.advance(100);
    progress.done();
    expect(written).toEqual([]);
  });

  it("takes bytes back when a download begins anew", () => {
    const { written, clock, progress } = bar(true);
    progress.start("model", 1000);
    progress.advance(600);
    clock.ms = 1000;
    progress.advance(-600);
    expect(written.at(-1)).toContain("  0 %");
  });

  it.each([
    [999, "1 kB"],
    [98_362_432, "98.4 MB"],
    [2.5e9, "2.50 GB"],
  ])("writes %i bytes as %s", (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });
});
