/** How the circuit of an engine stands: `closed` lets requests through, `half_open` waits for the one probe. */
export type CircuitState = "closed" | "open" | "half_open";

type Common = {
  /** When it took this state, in milliseconds. */
  readonly sinceMs: number;
  /** Times that it has opened without a steady time in between: each one makes the next wait longer. */
  readonly openings: number;
  /** An operator's word: it stays so until `reset`. */
  readonly forced?: true;
};

/** An engine's circuit, as plain data: there is one for the whole world, in the engine's own object. */
export type Circuit =
  | (Common & { readonly state: "closed"; readonly failuresMs: readonly number[] })
  | (Common & { readonly state: "open"; readonly untilMs: number })
  /** `probe` names the probe that is out, by when it began; from `untilMs` on it counts as lost. */
  | (Common & { readonly state: "half_open"; readonly probe: number; readonly untilMs: number });

/** When a circuit opens, and for how long. */
export type CircuitPolicy = {
  readonly failuresToOpen: number;
  /** Failures older than this are forgotten. */
  readonly windowMs: number;
  /** Wait before the first probe; after each failed one it grows by `backoffFactor`, up to `openMsMax`. */
  readonly openMs: number;
  readonly openMsMax: number;
  readonly backoffFactor: number;
  /** A wait is longer by up to this share, so that engines which fell together are not probed together. */
  readonly jitter: number;
  /** A probe that has not reported by then is lost, and another one may go. */
  readonly probeMs: number;
};

/** The circuit of an engine that nothing is known against. */
export const CLOSED: Circuit = { state: "closed", sinceMs: 0, openings: 0, failuresMs: [] };

/** A restarted process is found within seconds, a dead machine costs one probe a minute. */
export const CIRCUIT_POLICY: CircuitPolicy = {
  failuresToOpen: 3,
  windowMs: 30_000,
  openMs: 5_000,
  openMsMax: 60_000,
  backoffFactor: 2,
  jitter: 0.2,
  probeMs: 10_000,
};

/** When `ask_probe` will be granted, if nothing happens before; undefined where no probe is due at all. */
export function nextProbeMs(circuit: Circuit): number | undefined {
  return circuit.state === "closed" || circuit.forced ? undefined : circuit.untilMs;
}

/**
 * How an isolate takes a circuit that it last saw as `seen`, with so many failures of its own that the engine's object has
 * not answered yet: enough of them would open it, so it sends nothing more until it hears.
 */
export function stateAsSeen(seen: CircuitState, untold: number, policy: CircuitPolicy): CircuitState {
  return seen === "closed" && untold >= policy.failuresToOpen ? "open" : seen;
}
