import { type CounterName, type HistogramName, type Labels, type MetricName, bucketsOf } from "./catalog.ts";
import { LABEL_SETS_MAX, type Series, foldedLabels, mergeSeries, seriesKey } from "./series.ts";

/** A series of one isolate, found by its metric's name and the values of its labels, one step for each. */
type Node = { readonly next: Map<string, Node>; key: string; values: number[] | undefined };

const emptyNode = (): Node => ({ next: new Map(), key: "", values: undefined });

/** What one isolate has counted since it last handed its numbers over. */
export class MetricsBuffer {
  #root = emptyNode();
  #used: Node[] = [];
  /** Label sets of each metric. */
  #sets = new Map<MetricName, number>();
  #restored: Series = {};
  readonly #setsMax: number;

  constructor(setsMax = LABEL_SETS_MAX) {
    this.#setsMax = setsMax;
  }

  /** Adds to a counter. */
  add(name: CounterName, labels: Labels, value = 1): void {
    const values = this.#values(name, labels, 1);
    values[0] = (values[0] ?? 0) + value;
  }

  /** Counts one observation of a histogram, in seconds. */
  observe(name: HistogramName, labels: Labels, seconds: number): void {
    const bounds = bucketsOf(name);
    const size = bounds.length;
    const values = this.#values(name, labels, size + 2);
    let bucket = 0;
    while (bucket < size && seconds > (bounds[bucket] ?? 0)) bucket += 1;
    if (bucket < size) values[bucket] = (values[bucket] ?? 0) + 1;
    values[size] = (values[size] ?? 0) + 1;
    values[size + 1] = (values[size + 1] ?? 0) + seconds;
  }

  /** Hands everything over and starts anew. */
  take(): Series {
    const series: Series = {};
    for (const { key, values } of this.#used) if (values) series[key] = values;
    const all = mergeSeries(this.#restored, series);
    this.#root = emptyNode();
    this.#used = [];
    this.#sets = new Map();
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
    return (this.#find(name, labels).values ??= this.#begin(name, labels, size));
  }

  #find(name: MetricName, labels: Labels): Node {
    let node = step(this.#root, name);
    for (const label in labels) node = step(node, labels[label] ?? "");
    return node;
  }

  #begin(name: MetricName, labels: Labels, size: number): number[] {
    const sets = this.#sets.get(name) ?? 0;
    const own = sets < this.#setsMax ? labels : foldedLabels(labels);
    const node = this.#find(name, own);
    if (node.values) return node.values;
    this.#sets.set(name, sets + 1);
    node.values = Array.from({ length: size }, () => 0);
    node.key = seriesKey(name, own);
    this.#used.push(node);
    return node.values;
  }
}

function step(node: Node, value: string): Node {
  let next = node.next.get(value);
  if (!next) node.next.set(value, (next = emptyNode()));
  return next;
}
