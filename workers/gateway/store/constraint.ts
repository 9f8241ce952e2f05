/**
 * Makes a change, and says which of these constraints (`users.email`) it violated, if one; `done` when none. Guards are
 * written so that they violate one: that is the only way to end a transaction of D1 from within. Throws all else.
 */
export async function unlessViolated<Why extends string>(
  change: Promise<unknown>,
  meanings: Readonly<Record<string, Why>>,
): Promise<Why | "done"> {
  try {
    await change;
    return "done";
  } catch (error) {
    const violated = constraintOf(error);
    const why = violated === undefined ? undefined : meanings[violated];
    if (why === undefined) throw error;
    return why;
  }
}

/** The column whose constraint an error, or what caused it, tells of. */
function constraintOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const column = /constraint failed: (\w+\.\w+)/i.exec(each.message)?.[1];
    if (column !== undefined) return column;
  }
  return undefined;
}
