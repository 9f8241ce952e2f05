/** Calls `listener` once when `signal` fires, or now where it has fired: a listener added later is never told. */
export function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}
