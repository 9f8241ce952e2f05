/**
 * Does some work with a signal that fires after `ms` milliseconds. Its timer ends with the work: one of
 * `AbortSignal.timeout` goes on, and a Durable Object with a timer does not hibernate.
 */
export async function timed<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const late = () => controller.abort(new DOMException(`not within ${ms} ms`, "TimeoutError"));
  const timer = setTimeout(late, ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
