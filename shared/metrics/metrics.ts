/** What is measured. Every label's values are bounded: by a list, by the fleet, or by the statuses of HTTP. */
export const METRICS = {
  eco_requests_total: { type: "counter", help: "Requests answered, by operation, model and HTTP status." },
  eco_request_seconds: {
    type: "histogram",
    help: "Time from a request's arrival to the last byte of its answer.",
  },
  eco_time_to_first_token_seconds: {
    type: "histogram",
    help: "Time from a request's arrival to the first event of its streamed answer.",
  },
  eco_streams_total: {
    type: "counter",
    help: "Streams, by how they ended: complete, client_gone, engine_failed, timeout.",
  },
  eco_tokens_total: { type: "counter", help: "Tokens used, by model and type: prompt, completion." },
  eco_estimated_usage_total: { type: "counter", help: "Answers whose usage the engine did not tell." },
  eco_continuations_total: {
    type: "counter",
    help: "Answers that broke off and were to be continued by another engine, by model and outcome: continued, failed.",
  },
  eco_engine_attempts_total: { type: "counter", help: "Requests sent to engines, by engine and outcome." },
} as const satisfies Record<string, { type: "counter" | "gauge" | "histogram"; help: string }>;

export type MetricName = keyof typeof METRICS;
export type Labels = Readonly<Record<string, string>>;

/** Upper bounds of the histograms' buckets, in seconds. */
export const BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;

/** Series of one metric, by name and labels: `[value]`, or a histogram's `[count of each bucket ..., count, sum]`. */
export type Series = Record<string, number[]>;

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

/** A series of one isolate, found by its metric's name and the values of its labels, one step for each. */
type Node = { readonly next: Map<string, Node>; key: string; values: number[] | undefined };

const emptyNode = (): Node => ({ next: new Map(), key: "", values: undefined });

/** What one isolate has counted since it last handed its numbers over. */
export class MetricsBuffer {
  #root = emptyNode();
  #used: Node[] = [];
  #restored: Series = {};

  /** Adds to a counter. */
  add(name: MetricName, labels: Labels, value = 1): void {
    const values = this.#values(name, labels, 1);
    values[0] = (values[0] ?? 0) + value;
  }

  /** Counts one observation of a histogram, in seconds. */
  observe(name: MetricName, labels: Labels, seconds: number): void {
    const values = this.#values(name, labels, BUCKETS_S.length + 2);
    let bucket = 0;
    while (bucket < BUCKETS_S.length && seconds > (BUCKETS_S[bucket] ?? 0)) bucket += 1;
    if (bucket < BUCKETS_S.length) values[bucket] = (values[bucket] ?? 0) + 1;
    values[BUCKETS_S.length] = (values[BUCKETS_S.length] ?? 0) + 1;
    values[BUCKETS_S.length + 1] = (values[BUCKETS_S.length + 1] ?? 0) + seconds;
  }

  /** Hands everything over and starts anew. */
  take(): Series {
    const series: Series = {};
    for (const { key, values } of this.#used) if (values) series[key] = values;
    const all = mergeSeries(this.#restored, series);
    this.#root = emptyNode();
    this.#used = [];
    this.#restored = {};
    return all;
  }

  /** Puts back what could not be delivered. */
  restore(series: Series): void {
    this.#restored = mergeSeries(this.#restored, series);
  }

  get isEmpty(): boolean {
    return this.#used.length === 0 && Object.keys(this.#restored).length === 0;
  }

  /** The numbers of a series. Its key is written once: made for each request it would cost more than all else here. */
  #values(name: MetricName, labels: Labels, size: number): number[] {
    let node = step(this.#root, name);
    for (const label in labels) node = step(node, labels[label] ?? "");
    if (!node.values) {
      node.values = Array.from({ length: size }, () => 0);
      node.key = seriesKey(name, labels);
      this.#used.push(node);
    }
    return node.values;
  }
}

function step(node: Node, value: string): Node {
  let next = node.next.get(value);
  if (!next) node.next.set(value, (next = emptyNode()));
  return next;
}

/** The sums of both, series by series. */
export function mergeSeries(a: Series, b: Series): Series {
  const merged: Series = { ...a };
  for (const key in b) {
    const theirs = b[key] ?? [];
    const ours = merged[key];
    merged[key] = ours ? theirs.map((value, at) => value + (ours[at] ?? 0)) : theirs;
  }
  return merged;
}

/** Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function renderMetrics(series: Series): string {
  const lines: string[] = [];
  const keys = Object.keys(series).toSorted();
  for (const [name, { type, help }] of Object.entries(METRICS)) {
    const own = keys.filter((key) => key.startsWith(`${name}{`));
    if (own.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const key of own)
      lines.push(
        ...(type === "histogram"
          ? renderHistogram(name, key, series[key] ?? [])
          : [sample(key, series[key]?.[0] ?? 0)]),
      );
  }
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

const sample = (key: string, value: number): string => `${key.replace("{}", "")} ${value}`;

function renderHistogram(name: string, key: string, values: readonly number[]): string[] {
  const labels = key.slice(name.length + 1, -1);
  const total = values[BUCKETS_S.length] ?? 0;
  let sum = 0;
  const buckets = [
    ...BUCKETS_S.map((bound, at) => [String(bound), (sum += values[at] ?? 0)] as const),
    ["+Inf", total] as const,
  ];
  const tail = labels ? `{${labels}}` : "";
  return [
    ...buckets.map(([bound, count]) => `${name}_bucket{${labels}${labels ? "," : ""}le="${bound}"} ${count}`),
    `${name}_sum${tail} ${values[BUCKETS_S.length + 1] ?? 0}`,
    `${name}_count${tail} ${total}`,
  ];
}
