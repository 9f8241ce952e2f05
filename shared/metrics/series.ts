import type { Labels, MetricName } from "./catalog.ts";

/** Series of one metric, by name and labels: `[value]`, or a histogram's `[count of each bucket ..., count, sum]`. */
export type Series = Record<string, number[]>;

/** Most label sets of one metric. What comes after them is counted under `model="other"` and `engine="other"`. */
export const LABEL_SETS_MAX = 500;

/** The labels whose values are as many as an operator has engines and models; all others have few. */
const FOLDED = ["engine", "model"];

/** A series' key: what stands before the value in Prometheus text. Labels are in the order given. */
export function seriesKey(name: MetricName, labels: Labels): string {
  let text = "";
  for (const label in labels)
    text += `${text === "" ? "" : ","}${label}="${escapeLabel(labels[label] ?? "")}"`;
  return `${name}{${text}}`;
}

const escapeLabel = (value: string): string =>
  /[\\"\n]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
    : value;

/** The labels under which a metric that has all its label sets counts what comes after them. */
export const foldedLabels = (labels: Labels): Labels =>
  Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [label, FOLDED.includes(label) ? "other" : value]),
  );

/** The key of the series in whose place stands the one of {@link foldedLabels}. */
const foldedKey = (key: string): string =>
  key.replaceAll(/([{,])(engine|model)="(?:[^"\\]|\\.)*"/g, '$1$2="other"');

/** The metric that a series' key belongs to. */
export const metricOf = (key: string): string => key.slice(0, key.indexOf("{"));

/** The sums of both, series by series. A metric keeps the label sets that `a` has, and gets no more than `setsMax`. */
export function mergeSeries(a: Series, b: Series, setsMax = LABEL_SETS_MAX): Series {
  const merged: Series = { ...a };
  const sets = new Map<string, number>();
  for (const key in a) sets.set(metricOf(key), (sets.get(metricOf(key)) ?? 0) + 1);
  for (const key in b) {
    const theirs = b[key] ?? [];
    if (merged[key]) {
      merged[key] = sum(merged[key], theirs);
      continue;
    }
    const metric = metricOf(key);
    const known = sets.get(metric) ?? 0;
    const own = known < setsMax ? key : foldedKey(key);
    const ours = merged[own];
    if (!ours) sets.set(metric, known + 1);
    merged[own] = ours ? sum(ours, theirs) : theirs;
  }
  return merged;
}

const sum = (ours: readonly number[], theirs: readonly number[]): number[] =>
  theirs.map((value, at) => value + (ours[at] ?? 0));
