/**
 * A value of JSON as the one text that it has: members in the order of their names' UTF-16 units, no spaces, numbers and
 * strings as `JSON.stringify` has them, members that are undefined left out. https://www.rfc-editor.org/rfc/rfc8785
 * It is built by hand, for an object of ours would put names like `10` before all others.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .toSorted(([one], [two]) => (one < two ? -1 : 1))
      .map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
