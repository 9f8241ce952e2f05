import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Circuit,
  type CircuitPolicy,
  CIRCUIT_POLICY,
  CLOSED,
  nextProbeMs,
  stateAsSeen,
} from "./circuit.ts";
import { type CircuitEvent, decide } from "./decide.ts";
import { seededRandom } from "./random.ts";

const policy: CircuitPolicy = { ...CIRCUIT_POLICY, jitter: 0 };
const unlucky = () => 0;

const closed = (failuresMs: number[] = [], sinceMs = 0, openings = 0): Circuit => ({
  state: "closed",
  sinceMs,
  openings,
  failuresMs,
});
const open = (untilMs: number, openings = 1): Circuit => ({ state: "open", sinceMs: 0, openings, untilMs });
const probing = (probe: number, openings = 1): Circuit => ({
  state: "half_open",
  sinceMs: probe,
  openings,
  probe,
  untilMs: probe + policy.probeMs,
});
const forced = (circuit: Circuit): Circuit => ({ ...circuit, forced: true });
const news = (type: "success" | "failure" | "overload" | "client_fault", sentMs: number): CircuitEvent => ({
  type,
  sentMs,
});
const ask: CircuitEvent = { type: "ask_probe" };

describe("decide", () => {
  it.each<[string, Circuit, CircuitEvent, number, Circuit, boolean]>([
    ["counts a failure", closed(), news("failure", 0), 100, closed([100]), true],
    ["opens at the third in a row", closed([100, 200]), news("failure", 0), 300, open(5_300), false],
    ["forgets failures by a success", closed([100, 200]), news("success", 0), 300, closed(), true],
    [
      "forgets old failures",
      closed([100, 20_000]),
      news("failure", 0),
      30_100,
      closed([20_000, 30_100]),
      true,
    ],
    [
      "takes no overload for a failure",
      closed([100, 200]),
      news("overload", 0),
      300,
      closed([100, 200]),
      true,
    ],
    [
      "takes no overload for a success",
      closed([100, 200]),
      news("overload", 0),
      300,
      closed([100, 200]),
      true,
    ],
    [
      "takes a client's fault for neither",
      closed([100, 200]),
      news("client_fault", 0),
      300,
      closed([100, 200]),
      true,
    ],
    ["needs no probe while closed", closed(), ask, 300, closed(), true],
    ["refuses a probe while it cools down", open(5_300), ask, 5_299, open(5_300), false],
    ["lets one probe through then", open(5_300), ask, 5_300, probing(5_300), true],
    ["and no second one", probing(5_300), ask, 15_299, probing(5_300), false],
    [
      "closes after a good probe",
      probing(10),
      { type: "probe_success", probe: 10 },
      500,
      closed([], 500, 1),
      true,
    ],
    [
      "opens for longer after a bad one",
      probing(10),
      { type: "probe_failure", probe: 10 },
      500,
      open(10_500, 2),
      false,
    ],
    [
      "but for no longer than the longest",
      probing(10, 9),
      { type: "probe_failure", probe: 10 },
      0,
      open(60_000, 10),
      false,
    ],
    [
      "waits the same again after an unclear one",
      probing(10),
      { type: "probe_unclear", probe: 10 },
      500,
      open(5_500),
      false,
    ],
    [
      "does not hear the probe that was replaced",
      probing(900),
      { type: "probe_success", probe: 10 },
      950,
      probing(900),
      false,
    ],
    ["is not closed by an old request's success", open(5_300), news("success", 0), 5_200, open(5_300), false],
    [
      "does not wait longer for an old request's failure",
      open(5_300),
      news("failure", 0),
      5_200,
      open(5_300),
      false,
    ],
    ["is not closed by it while a probe is out", probing(10), news("success", 0), 50, probing(10), false],
    ["nor opened", probing(10), news("failure", 0), 50, probing(10), false],
    [
      "counts no failure of a request from before it closed",
      closed([], 500),
      news("failure", 499),
      600,
      closed([], 500),
      true,
    ],
    ["is forced open", closed(), { type: "force_open" }, 7, forced({ ...open(7, 0), sinceMs: 7 }), false],
    ["gets no probe then", forced(open(0)), ask, 1e9, forced(open(0)), false],
    ["is forced closed", open(5_300, 3), { type: "force_close" }, 7, forced(closed([], 7, 3)), true],
    ["counts nothing then", forced(closed()), news("failure", 0), 7, forced(closed()), true],
    ["is itself again after a reset", forced(open(0, 4)), { type: "reset" }, 7, closed([], 7), true],
  ])("%s", (_, before, event, nowMs, after, allow) => {
    const verdict = decide(before, event, nowMs, policy, unlucky);
    expect({ ...verdict.next, ...(verdict.next.state === "open" && { sinceMs: after.sinceMs }) }).toEqual(
      after,
    );
    expect(verdict.allow).toBe(allow);
  });

  it("names a probe to the one who may send it, and to nobody else", () => {
    expect(decide(open(5_300), ask, 5_300, policy, unlucky).probe).toBe(5_300);
    expect(decide(probing(10), ask, 20, policy, unlucky).probe).toBeUndefined();
    expect(decide(closed(), ask, 20, policy, unlucky).probe).toBeUndefined();
  });

  it("replaces a probe that never reported", () => {
    const { next, allow, probe } = decide(probing(10), ask, 10 + policy.probeMs, policy, unlucky);
    expect(allow).toBe(true);
    expect(probe).toBe(10 + policy.probeMs);
    expect(decide(next, { type: "probe_success", probe: 10 }, 10_020, policy, unlucky).next).toBe(next);
  });

  it("says what changed and why", () => {
    const change = (before: Circuit, event: CircuitEvent, nowMs: number) =>
      decide(before, event, nowMs, policy, unlucky).changed;
    expect(change(closed([1, 2]), news("failure", 0), 3)).toEqual({
      from: "closed",
      to: "open",
      reason: "failures",
    });
    expect(change(open(5), ask, 5)).toEqual({ from: "open", to: "half_open", reason: "probe_sent" });
    expect(change(open(5), { type: "reset" }, 5)).toEqual({ from: "open", to: "closed", reason: "operator" });
    expect(change(closed(), news("failure", 0), 3)).toBeUndefined();
  });

  it("waits longer each time that an engine passes its probe and fails again at once", () => {
    let circuit: Circuit = closed();
    const waitsMs: number[] = [];
    let nowMs = 0;
    for (let round = 0; round < 6; round++) {
      for (let failure = 0; failure < 3; failure++)
        circuit = decide(circuit, news("failure", nowMs), nowMs, policy, unlucky).next;
      waitsMs.push((nextProbeMs(circuit) ?? nowMs) - nowMs);
      nowMs = nextProbeMs(circuit) ?? nowMs;
      circuit = decide(circuit, ask, nowMs, policy, unlucky).next;
      circuit = decide(circuit, { type: "probe_success", probe: nowMs }, nowMs, policy, unlucky).next;
    }
    expect(waitsMs).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("starts with the shortest wait after a steady time", () => {
    const { next } = decide(closed([59_998, 59_999], 0, 7), news("failure", 1), 60_000, policy, unlucky);
    expect(next).toEqual({ ...open(65_000), sinceMs: 60_000 });
  });

  it("lengthens waits by chance, never shortens them", () => {
    const jittered = { ...policy, jitter: 0.2 };
    const wait = (random: number) =>
      nextProbeMs(decide(closed([1, 2]), news("failure", 0), 0, jittered, () => random).next);
    expect(wait(0)).toBe(5_000);
    expect(wait(0.5)).toBe(5_500);
    expect(wait(0.999)).toBeLessThan(6_000);
  });
});

describe("nextProbeMs", () => {
  it.each<[string, Circuit, number | undefined]>([
    ["of a closed circuit", closed(), undefined],
    ["of an open one", open(5_300), 5_300],
    ["while a probe is out", probing(10), 10 + policy.probeMs],
    ["of one forced open", forced(open(0)), undefined],
  ])("%s is %s", (_, circuit, atMs) => {
    expect(nextProbeMs(circuit)).toBe(atMs);
  });
});

describe("stateAsSeen", () => {
  it.each<[string, Circuit["state"], number, Circuit["state"]]>([
    ["is what was seen", "closed", 2, "closed"],
    ["is open after failures enough that nobody else has heard of", "closed", 3, "open"],
    ["stays open", "open", 0, "open"],
    ["stays half open", "half_open", 3, "half_open"],
  ])("%s", (_, seen, untold, state) => {
    expect(stateAsSeen(seen, untold, policy)).toBe(state);
  });
});

/** A step of a random history. `back` says how long ago the request was sent, `late` names an older probe. */
type Step = { type: CircuitEvent["type"]; gapMs: number; backMs: number; late: boolean };

const steps = fc.array(
  fc.record({
    type: fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom<Step["type"]>("failure", "failure", "ask_probe", "success") },
      { weight: 2, arbitrary: fc.constantFrom<Step["type"]>("overload", "client_fault") },
      {
        weight: 3,
        arbitrary: fc.constantFrom<Step["type"]>("probe_success", "probe_failure", "probe_unclear"),
      },
      { weight: 1, arbitrary: fc.constantFrom<Step["type"]>("force_open", "force_close", "reset") },
    ),
    gapMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 20_000 })),
    backMs: fc.integer({ min: 0, max: 30_000 }),
    late: fc.boolean(),
  }),
  { minLength: 1, maxLength: 120, size: "max" },
);

/** Plays a history and calls `check` with what was before and after each of its steps. */
function play(
  history: readonly Step[],
  seed: number,
  check: (seen: {
    before: Circuit;
    event: CircuitEvent;
    nowMs: number;
    verdict: ReturnType<typeof decide>;
  }) => void,
): void {
  let circuit = CLOSED;
  let nowMs = 1_000_000;
  const probes: number[] = [0];
  const random = seededRandom(seed);
  for (const { type, gapMs, backMs, late } of history) {
    nowMs += gapMs;
    const probe = probes.at(late ? -2 : -1) ?? 0;
    const event = { type, sentMs: nowMs - backMs, probe } as CircuitEvent;
    const verdict = decide(circuit, event, nowMs, CIRCUIT_POLICY, random);
    check({ before: circuit, event, nowMs, verdict });
    if (verdict.probe !== undefined) probes.push(verdict.probe);
    circuit = verdict.next;
  }
}

const expectInEveryHistory = (check: (history: readonly Step[], seed: number) => void) =>
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 1_000_000 }), check), { numRuns: 300 });

describe("a circuit, whatever happens", () => {
  it("is plain data, and the same data wherever it is kept", () => {
    expectInEveryHistory((history, seed) => {
      const seen: Circuit[] = [];
      play(history, seed, ({ verdict: { next } }) => seen.push(next));
      expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
    });
  });

  it("has one probe out at a time, and probes no oftener than its shortest wait", () => {
    const gapMs = Math.min(CIRCUIT_POLICY.openMs, CIRCUIT_POLICY.probeMs);
    expectInEveryHistory((history, seed) => {
      let lastMs = -Infinity;
      play(history, seed, ({ event, nowMs, verdict }) => {
        // A reset is an operator's own decision to begin anew.
        if (event.type === "reset") lastMs = -Infinity;
        if (verdict.probe === undefined) return;
        expect(nowMs - lastMs).toBeGreaterThanOrEqual(gapMs);
        lastMs = nowMs;
      });
    });
  });

  it("opens by an operator, by a probe, or by three failures without a success among them", () => {
    expectInEveryHistory((history, seed) => {
      let failuresMs: number[] = [];
      play(history, seed, ({ before, event, nowMs, verdict: { changed } }) => {
        if (event.type === "success" && event.sentMs >= before.sinceMs) failuresMs = [];
        if (event.type === "failure") failuresMs.push(nowMs);
        if (changed?.to === "closed") failuresMs = [];
        if (changed?.to !== "open" || changed.reason !== "failures") return;
        expect(before.forced).toBeUndefined();
        expect(event.type).toBe("failure");
        const recent = failuresMs.filter((atMs) => nowMs - atMs < CIRCUIT_POLICY.windowMs);
        expect(recent.length).toBeGreaterThanOrEqual(CIRCUIT_POLICY.failuresToOpen);
      });
    });
  });

  it("closes by an operator or by the probe that is out, and by nothing else", () => {
    expectInEveryHistory((history, seed) =>
      play(history, seed, ({ before, event, verdict: { changed } }) => {
        if (changed?.to !== "closed" || event.type === "force_close" || event.type === "reset") return;
        expect(event).toMatchObject({ type: "probe_success", probe: "probe" in before ? before.probe : NaN });
      }),
    );
  });

  it("is moved by no overload and no client's mistake", () => {
    expectInEveryHistory((history, seed) =>
      play(history, seed, ({ before, event, verdict }) => {
        if ((event.type === "overload" || event.type === "client_fault") && verdict.next !== before)
          expect.fail(`${event.type} moved ${before.state}`);
      }),
    );
  });

  it("stays as it was forced until it is reset, or forced otherwise", () => {
    const operators = new Set<CircuitEvent["type"]>(["force_open", "force_close", "reset"]);
    expectInEveryHistory((history, seed) =>
      play(history, seed, ({ before, event, verdict }) => {
        if (before.forced && !operators.has(event.type) && verdict.next !== before)
          expect.fail(`${event.type} moved a forced circuit`);
      }),
    );
  });

  it("waits between the shortest and the longest time", () => {
    const { openMs, openMsMax, jitter } = CIRCUIT_POLICY;
    expectInEveryHistory((history, seed) =>
      play(history, seed, ({ nowMs, verdict: { next, changed } }) => {
        if (changed?.to !== "open" || next.state !== "open" || next.forced) return;
        expect(next.untilMs - nowMs).toBeGreaterThanOrEqual(openMs);
        expect(next.untilMs - nowMs).toBeLessThanOrEqual(openMsMax * (1 + jitter));
      }),
    );
  });
});
