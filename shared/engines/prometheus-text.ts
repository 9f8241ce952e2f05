/**
 * The sum of a metric's samples in Prometheus text, over all label sets; undefined where it has none. Engines with
 * several cores expose one series each.
 */
export function gauge(text: string, name: string): number | undefined {
  let sum: number | undefined;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) {
    const starts = at === 0 || text.charAt(at - 1) === "\n";
    const next = text.charAt(at + name.length);
    if (!starts || (next !== " " && next !== "{")) continue;
    const lineEnd = text.indexOf("\n", at);
    const line = text.slice(at, lineEnd < 0 ? text.length : lineEnd);
    // Label values may hold spaces; the value stands behind the closing brace.
    const value = Number(
      line
        .slice(next === "{" ? line.lastIndexOf("}") + 1 : name.length)
        .trim()
        .split(" ")[0],
    );
    if (Number.isFinite(value)) sum = (sum ?? 0) + value;
  }
  return sum;
}
