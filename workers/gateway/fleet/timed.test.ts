import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { timed } from "./timed.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that ends only by its signal. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

describe("timed", () => {
  it("gives what the work gives, and leaves no timer behind", async () => {
    expect(await timed(100, () => Promise.resolve("done"))).toBe("done");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no timer behind work that fails", async () => {
    await expect(timed(100, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends work that takes longer, by a timeout's own error", async () => {
    const late = timed(100, untilAborted);
    vi.advanceTimersByTime(100);
    await expect(late).rejects.toMatchObject({ name: "TimeoutError" });
  });
});
