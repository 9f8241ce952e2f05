/** How often we look whether npm is still there, in milliseconds. */
const PARENT_EVERY_MS = 1_000;

/**
 * A signal that aborts when the user wants an end: by Ctrl-C, SIGTERM, a closed terminal, or by ending npm. A second
 * Ctrl-C does not wait: it ends the process at once.
 */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort();
    });
  }
  if (process.env.npm_lifecycle_event !== undefined) abortWithoutParent(stopping);
  return stopping.signal;
}

/**
 * npm passes a SIGTERM on to the shell that it runs us in, and that ends without a word to us. That we were given
 * another parent is all there is to see.
 */
function abortWithoutParent(stopping: AbortController): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stopping.abort();
  }, PARENT_EVERY_MS).unref();
}
