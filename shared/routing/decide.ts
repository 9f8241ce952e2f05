import { type Circuit, type CircuitPolicy, type CircuitState, CLOSED } from "./circuit.ts";

/** What happened. News of requests carries when the request was sent, for old requests prove nothing about now. */
export type CircuitEvent =
  | { readonly type: "success" | "failure" | "overload" | "client_fault"; readonly sentMs: number }
  | { readonly type: "ask_probe" }
  /** `probe` is the number that `ask_probe` gave. `probe_unclear`: the client was at fault, or left. */
  | { readonly type: "probe_success" | "probe_failure" | "probe_unclear"; readonly probe: number }
  | { readonly type: "force_open" | "force_close" | "reset" };

/** Why a circuit changed its state. */
export type CircuitReason =
  "failures" | "probe_sent" | "probe_success" | "probe_failure" | "probe_unclear" | "operator";

/** What follows from an event. `next` is the very circuit where nothing changed: nothing has to be stored then. */
export type CircuitVerdict = {
  readonly next: Circuit;
  /** Whether the one who caused the event may send a request to the engine now. */
  readonly allow: boolean;
  /** Set where that request is the probe; its result has to name this number. */
  readonly probe?: number;
  readonly changed?: {
    readonly from: CircuitState;
    readonly to: CircuitState;
    readonly reason: CircuitReason;
  };
};

type Move = { readonly next: Circuit; readonly reason: CircuitReason };

/**
 * The rule of a circuit: its state and an event in, the next state out. `random` gives numbers in [0, 1).
 *
 * A closed circuit opens after `failuresToOpen` failures in a row, all within `windowMs`. In a row, because a plain
 * count would open for every busy engine: at 100 requests a second, one failure in a hundred is three in three seconds.
 * Within a window, because failures of different days say nothing together.
 *
 * Overload and a client's mistake change nothing: they are not the engine's failure, and no proof of its health either
 * (a proxy in front of a dead engine can say both). A probe that finds the engine busy has found it: report that one as
 * `probe_success`.
 */
export function decide(
  circuit: Circuit,
  event: CircuitEvent,
  nowMs: number,
  policy: CircuitPolicy,
  random: () => number,
): CircuitVerdict {
  const move =
    byOperator(circuit, event, nowMs) ??
    (circuit.forced ? undefined : byNews(circuit, event, nowMs, policy, random));
  const next = move?.next ?? circuit;
  const probe = event.type === "ask_probe" && move && next.state === "half_open" ? next.probe : undefined;
  return {
    next,
    allow: next.state === "closed" || probe !== undefined,
    ...(probe !== undefined && { probe }),
    ...(move &&
      next.state !== circuit.state && {
        changed: { from: circuit.state, to: next.state, reason: move.reason },
      }),
  };
}

function byOperator({ openings }: Circuit, { type }: CircuitEvent, nowMs: number): Move | undefined {
  switch (type) {
    case "force_open":
      return {
        next: { state: "open", sinceMs: nowMs, openings, untilMs: nowMs, forced: true },
        reason: "operator",
      };
    case "force_close":
      return { next: { ...CLOSED, sinceMs: nowMs, openings, forced: true }, reason: "operator" };
    case "reset":
      return { next: { ...CLOSED, sinceMs: nowMs }, reason: "operator" };
    default:
      return undefined;
  }
}

function byNews(
  circuit: Circuit,
  event: CircuitEvent,
  nowMs: number,
  policy: CircuitPolicy,
  random: () => number,
): Move | undefined {
  switch (event.type) {
    case "success":
    case "failure":
      // While the circuit is not closed, only a probe's word counts: news of older requests neither closes it nor makes
      // it wait longer. News of requests that were sent before it closed is as old.
      if (circuit.state !== "closed" || event.sentMs < circuit.sinceMs) return undefined;
      if (event.type === "failure") return afterFailure(circuit, nowMs, policy, random);
      if (circuit.failuresMs.length === 0) return undefined;
      return { next: { ...circuit, failuresMs: [] }, reason: "failures" };
    case "ask_probe":
      return afterAsking(circuit, nowMs, policy);
    case "probe_success":
    case "probe_failure":
    case "probe_unclear":
      // Where a lost probe was replaced, its late word is not the new one's.
      if (circuit.state !== "half_open" || circuit.probe !== event.probe) return undefined;
      return afterProbe(circuit, event.type, nowMs, policy, random);
    default:
      return undefined;
  }
}

function afterFailure(
  circuit: Extract<Circuit, { state: "closed" }>,
  nowMs: number,
  policy: CircuitPolicy,
  random: () => number,
): Move {
  const failuresMs = [...circuit.failuresMs.filter((atMs) => nowMs - atMs < policy.windowMs), nowMs];
  if (failuresMs.length < policy.failuresToOpen)
    return { next: { ...circuit, failuresMs }, reason: "failures" };
  // An engine that passes each probe and fails the requests behind it must not get three of them every few seconds.
  const steady = nowMs - circuit.sinceMs >= policy.openMsMax;
  return { next: opened(steady ? 1 : circuit.openings + 1, nowMs, policy, random), reason: "failures" };
}

function afterAsking(circuit: Circuit, nowMs: number, policy: CircuitPolicy): Move | undefined {
  if (circuit.state === "closed" || nowMs < circuit.untilMs) return undefined;
  const { openings } = circuit;
  const sinceMs = circuit.state === "half_open" ? circuit.sinceMs : nowMs;
  return {
    next: { state: "half_open", sinceMs, openings, probe: nowMs, untilMs: nowMs + policy.probeMs },
    reason: "probe_sent",
  };
}

function afterProbe(
  { openings }: Circuit,
  reason: "probe_success" | "probe_failure" | "probe_unclear",
  nowMs: number,
  policy: CircuitPolicy,
  random: () => number,
): Move {
  if (reason === "probe_success") return { next: { ...CLOSED, sinceMs: nowMs, openings }, reason };
  // An unclear probe costs the same wait again and no longer one: probes stay rare even if all clients leave.
  const times = reason === "probe_failure" ? openings + 1 : openings;
  return { next: opened(times, nowMs, policy, random), reason };
}

function opened(openings: number, nowMs: number, policy: CircuitPolicy, random: () => number): Circuit {
  const waitMs = Math.min(policy.openMsMax, policy.openMs * policy.backoffFactor ** (openings - 1));
  return {
    state: "open",
    sinceMs: nowMs,
    openings,
    untilMs: nowMs + waitMs * (1 + policy.jitter * random()),
  };
}
