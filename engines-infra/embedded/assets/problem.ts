/** What can go wrong while the engine's parts are fetched: a kind for code, one line for the user. */

import { messageOf } from "../lines.ts";

export type AssetProblemKind =
  | "aborted"
  | "unsupported_platform"
  | "no_npm"
  | "no_python"
  | "no_network"
  | "offline"
  | "not_available"
  | "checksum"
  | "disk_full"
  | "read_only"
  | "bad_model_file"
  | "failed";

export type AssetProblem = { kind: AssetProblemKind; line: string };

export type Obtained<T> = { ok: true; value: T } | { ok: false; problem: AssetProblem };

export const obtained = <T>(value: T): Obtained<T> => ({ ok: true, value });
export const problem = (kind: AssetProblemKind, line: string): { ok: false; problem: AssetProblem } => ({
  ok: false,
  problem: { kind, line },
});

export const ABORTED = problem(
  "aborted",
  "stopped before the engine was complete; the next start goes on with it",
);

const NETWORK_CODES = new Set([
  "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EPIPE",
  "UND_ERR_CONNECT_TIMEOUT", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT",
  "CERT_HAS_EXPIRED", "SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]); // prettier-ignore

/** An error of the file system or the network as a problem. `doing` completes "could not ...". */
export function problemOf(error: unknown, doing: string): { ok: false; problem: AssetProblem } {
  const chain = causes(error);
  if (chain.some((each) => each.name === "AbortError" || each.code === "ABORT_ERR")) return ABORTED;
  const code = chain.map((each) => each.code).find((each) => each !== undefined);
  if (code === "ENOSPC" || code === "EDQUOT")
    return problem("disk_full", `could not ${doing}: the disk is full`);
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return problem("read_only", `could not ${doing}: no permission to write (${code})`);
  }
  if (code !== undefined && NETWORK_CODES.has(code)) {
    return problem("no_network", `could not ${doing}: the network is not reachable (${code})`);
  }
  return problem("failed", `could not ${doing}: ${messageOf(error)}`);
}

type Cause = { name?: string; code?: string };

/** An error and what it says were its causes: `fetch` hides the socket's error one level down. */
function causes(error: unknown): Cause[] {
  const chain: Cause[] = [];
  for (let current = error; current instanceof Error && chain.length < 5; current = current.cause) {
    chain.push({ name: current.name, code: "code" in current ? String(current.code) : undefined });
  }
  return chain;
}
