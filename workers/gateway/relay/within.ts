import { onAbort } from "./gone.ts";

/** What `work` gives within `ms`; undefined when it takes longer. Without `ms` it may take as long as it likes. */
export async function within<T>(work: Promise<T>, ms: number | undefined): Promise<T | undefined> {
  if (ms === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  const first = await Promise.race([work, late]);
  if (timer !== undefined) clearTimeout(timer);
  return first;
}

/** Waits, but no longer than until `gone`. */
export function sleep(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    onAbort(gone, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Likewise as {@link within}, and meanwhile calls `tick` every `tickMs`. One timer at a time. */
export async function ticking<T>(
  work: Promise<T>,
  ms: number,
  tickMs: number,
  tick: () => void,
): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leftMs = ms;
  const late = new Promise<undefined>((resolve) => {
    const turn = (): void => {
      if (leftMs <= 0) return resolve(undefined);
      const nextMs = Math.min(leftMs, tickMs);
      timer = setTimeout(() => {
        leftMs -= nextMs;
        tick();
        turn();
      }, nextMs);
    };
    turn();
  });
  const first = await Promise.race([work, late]);
  if (timer !== undefined) clearTimeout(timer);
  return first;
}
