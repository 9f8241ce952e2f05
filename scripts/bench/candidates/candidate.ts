/** One server that is measured. */
export type Candidate = {
  readonly name: CandidateName;
  readonly port: number;
  /** Its processes are this one and all that descend from it. */
  readonly pid: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Credentials that nobody has used yet. Whoever uses some takes them out; who has none asks nobody for one. */
  readonly unused: string[];
};

/**
 * - `direct`: the engine itself, without anything in front of it.
 * - `bare`: a Worker that passes requests on and does nothing else; no gateway on this runtime can be cheaper.
 * - `ours`: the gateway, before an engine whose streams are relayed natively.
 * - `ours-exact`: before an engine whose events are all looked at.
 * - `ours-translated`: before an engine with a protocol of its own.
 */
export const CANDIDATES = ["direct", "bare", "ours", "ours-exact", "ours-translated"] as const;
export type CandidateName = (typeof CANDIDATES)[number];

/** The unit of every ratio. */
export const BASE: CandidateName = "bare";
