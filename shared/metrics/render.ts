import { METRICS, type MetricName, bucketsOf } from "./catalog.ts";
import { type Series, metricOf } from "./series.ts";

/** Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function renderMetrics(series: Series): string {
  const lines: string[] = [];
  const keys = Map.groupBy(Object.keys(series).toSorted(), metricOf);
  for (const [name, { type, help }] of Object.entries(METRICS)) {
    const own = keys.get(name);
    if (!own) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const key of own)
      lines.push(
        ...(type === "histogram"
          ? renderHistogram(name as MetricName, key, series[key] ?? [])
          : [sample(key, series[key]?.[0] ?? 0)]),
      );
  }
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

const sample = (key: string, value: number): string => `${key.replace("{}", "")} ${value}`;

function renderHistogram(name: MetricName, key: string, values: readonly number[]): string[] {
  const bounds = bucketsOf(name);
  const labels = key.slice(name.length + 1, -1);
  const total = values[bounds.length] ?? 0;
  let sum = 0;
  const buckets = [
    ...bounds.map((bound, at) => [String(bound), (sum += values[at] ?? 0)] as const),
    ["+Inf", total] as const,
  ];
  const tail = labels ? `{${labels}}` : "";
  return [
    ...buckets.map(([bound, count]) => `${name}_bucket{${labels}${labels ? "," : ""}le="${bound}"} ${count}`),
    `${name}_sum${tail} ${values[bounds.length + 1] ?? 0}`,
    `${name}_count${tail} ${total}`,
  ];
}
