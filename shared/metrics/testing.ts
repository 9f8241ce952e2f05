/** A sample of Prometheus text: its family, its own name, and its labels as they stand there. */
type Sample = { family: Family; name: string; labels: Map<string, string>; value: number; key: string };
type Family = { name: string; type: string; help: boolean; samples: Sample[] };

/** What Prometheus text holds, by the text before each value, and what is wrong with it. */
export type PrometheusText = {
  readonly samples: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
};

const NAME = /^[a-zA-Z_:][\w:]*$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\+Inf|-Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/s;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

/**
 * Reads Prometheus text and is stricter with it than Prometheus: help and type before the samples of a family, its samples
 * together, no series twice, and histograms whose buckets rise to their count.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function readPrometheus(text: string): PrometheusText {
  const faults: string[] = [];
  const families = new Map<string, Family>();
  const samples = new Map<string, number>();
  let current: Family | undefined;
  if (text !== "" && !text.endsWith("\n")) faults.push("does not end with a line feed");
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment) {
      const [, what, name = "", rest = ""] = comment;
      if (current?.name !== name) {
        if (families.has(name)) faults.push(`${name}: not all in one place`);
        current = { name, type: "untyped", help: false, samples: [] };
        families.set(name, current);
      }
      if (!NAME.test(name)) faults.push(`${name}: is no name`);
      if (current.samples.length > 0) faults.push(`${name}: ${what} behind a sample`);
      if (what === "HELP") current.help = true;
      else current.type = rest;
      if (what === "TYPE" && !/^(counter|gauge|histogram)$/.test(rest)) faults.push(`${name}: type ${rest}`);
      continue;
    }
    const sample = readSample(line, current);
    if (typeof sample === "string") {
      faults.push(`${line}: ${sample}`);
      continue;
    }
    if (samples.has(sample.key)) faults.push(`${line}: twice`);
    samples.set(sample.key, sample.value);
    sample.family.samples.push(sample);
  }
  for (const family of families.values()) faults.push(...faultsOf(family));
  return { samples, faults };
}

function readSample(line: string, family: Family | undefined): Sample | string {
  const match = SAMPLE.exec(line);
  if (!match) return "is no sample";
  const [, name = "", inner, value = ""] = match;
  const suffix = family && name.startsWith(family.name) ? name.slice(family.name.length) : undefined;
  const allowed = family?.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!family || suffix === undefined || !allowed.includes(suffix)) return "is of no family before it";
  const labels = inner === undefined ? new Map<string, string>() : labelsOf(inner);
  if (!labels) return "has labels that are none";
  return { family, name, labels, value: numberOf(value), key: line.slice(0, line.lastIndexOf(" ")) };
}

const numberOf = (text: string): number => Number(text.replace("Inf", "Infinity"));

function labelsOf(inner: string): Map<string, string> | undefined {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  for (let at = 0; at < inner.length; at = LABEL.lastIndex) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(inner);
    const [, name = "", value = "", comma] = match ?? [];
    if (!match || labels.has(name) || (comma === "," && LABEL.lastIndex === inner.length)) return undefined;
    labels.set(name, value);
  }
  return labels.size > 0 ? labels : undefined;
}

function faultsOf({ name, type, help, samples }: Family): string[] {
  const faults: string[] = [];
  if (!help) faults.push(`${name}: no help`);
  if (type === "untyped") faults.push(`${name}: no type`);
  if (samples.length === 0) faults.push(`${name}: no samples`);
  if (type === "counter" && !name.endsWith("_total")) faults.push(`${name}: a counter is named _total`);
  if (type !== "gauge" && samples.some(({ value }) => !(value >= 0))) faults.push(`${name}: below zero`);
  const shapes = new Set(
    samples.map(({ labels }) => [...labels.keys()].filter((each) => each !== "le").join()),
  );
  if (shapes.size > 1) faults.push(`${name}: label sets of different shapes`);
  return type === "histogram" ? [...faults, ...histogramFaults(name, samples)] : faults;
}

function histogramFaults(name: string, samples: readonly Sample[]): string[] {
  const series = Map.groupBy(samples, ({ labels }) =>
    JSON.stringify([...labels].filter(([label]) => label !== "le")),
  );
  return [...series].flatMap(([key, own]) => {
    const buckets = own.filter((each) => each.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => numberOf(labels.get("le") ?? "NaN"));
    const counts = buckets.map(({ value }) => value);
    const count = own.find((each) => each.name === `${name}_count`)?.value;
    const rises = (values: readonly number[], strictly: boolean) =>
      values.every((value, at) => at === 0 || value > (values[at - 1] ?? 0) - (strictly ? 0 : 1e-9));
    const good =
      bounds.at(-1) === Infinity &&
      rises(bounds, true) &&
      rises(counts, false) &&
      counts.at(-1) === count &&
      own.filter((each) => each.name === `${name}_sum`).length === 1 &&
      own.length === buckets.length + 2;
    return good ? [] : [`${name}${key}: is no histogram`];
  });
}
