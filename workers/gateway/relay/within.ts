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
