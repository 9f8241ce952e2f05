/** The pieces of `source` as `each` makes them, without those it drops; the result and the end are the source's own. */
export async function* through<T, U, R>(
  source: AsyncGenerator<T, R>,
  each: (piece: T) => U | undefined,
): AsyncGenerator<U, R> {
  let ended = false;
  try {
    for (;;) {
      const next = await source.next();
      ended = next.done === true;
      if (next.done) return next.value;
      const made = each(next.value);
      if (made !== undefined) yield made;
    }
  } finally {
    // Whoever stops listening half-way stops the source: `for await` would swallow its result, `yield*` cannot map.
    if (!ended) await source.return(undefined as R);
  }
}
