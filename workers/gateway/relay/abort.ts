import type { Endpoint } from "../fleet/fleet.ts";
import type { Defer } from "../defer.ts";

/** Longest wait for an engine to take note of an abort, in milliseconds: then the connection is closed all the same. */
const ABORT_MS = 1_000;

/**
 * What ends a request at an engine. Closing its connection is enough for most; where it is not, the engine's own call
 * goes first, for it may forget the request once its connection is gone.
 */
export function aborter(
  { adapter, baseUrl, headers }: Endpoint,
  requestId: string,
  close: () => void,
  fetch: typeof globalThis.fetch,
  defer: Defer,
): () => void {
  const { abort } = adapter;
  if (!abort) return close;
  let called = false;
  return () => {
    if (called) return;
    called = true;
    const { path, body, method = "POST" } = abort(requestId);
    const signal = AbortSignal.timeout(ABORT_MS);
    const told = fetch(baseUrl + path, { method, headers, body, redirect: "manual", signal });
    defer(
      told
        .then((answer) => answer.body?.cancel())
        .catch(() => undefined)
        .then(close),
    );
  };
}
