/**
 * A JSON body with some members set and some removed. Where members are only added, the text is spliced and not
 * written anew: for a long conversation that is most of a request's cost.
 */
export function editBody(
  text: string,
  body: Readonly<Record<string, unknown>>,
  set: Readonly<Record<string, unknown>>,
  remove: readonly string[] = [],
): string {
  const names = Object.keys(set);
  if (remove.some((name) => name in body) || names.some((name) => name in body)) {
    const edited: Record<string, unknown> = { ...body, ...set };
    for (const name of remove) delete edited[name];
    return JSON.stringify(edited);
  }
  if (names.length === 0) return text;
  const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(set[name])}`).join(",");
  // A request always has a member (`model`), so a comma follows.
  return `{${members},${text.slice(text.indexOf("{") + 1)}`;
}
