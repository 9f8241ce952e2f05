import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MetricsBuffer } from "../../shared/metrics/metrics.ts";
import type { Ports } from "./ports.ts";
import { Run } from "./run.ts";

describe("the numbers of a run", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  // Whatever a run waits for keeps its request to the engine open as well.
  it.each([
    [504, "at once", 0],
    [200, "with those of the next seconds", 5_000],
  ])("are handed over, after a %i, %s", async (status, _, waitMs) => {
    const flush = vi.fn(async () => undefined);
    const ports = {
      metrics: new MetricsBuffer(),
      config: { LOG_REQUESTS: false },
      now: () => Date.now(),
      uuid: () => crypto.randomUUID(),
      requests: { add: () => undefined },
      flush,
    } as unknown as Ports;
    const deferred: Promise<unknown>[] = [];
    new Run(ports, (work) => void deferred.push(work), new Request("http://x/")).finish(status);
    await vi.advanceTimersByTimeAsync(Math.max(0, waitMs - 1));
    expect(flush.mock.calls.length).toBe(waitMs === 0 ? 1 : 0);
    await vi.advanceTimersByTimeAsync(1);
    expect(flush).toHaveBeenCalledTimes(1);
    await Promise.all(deferred);
  });
});
