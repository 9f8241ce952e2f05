type Metric = {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in seconds; {@link BUCKETS_S} where it has none of its own. */
  readonly buckets?: readonly number[];
};

/** Upper bounds of the histograms' buckets, in seconds. */
export const BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const;

/** Likewise for the time between two tokens: engines make some ten to some hundred in a second. */
const TOKEN_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5,
] as const;

/**
 * What is measured. Every label's values are bounded: by a list, by the fleet, or by the statuses of HTTP. A model is
 * named by the id under which it is served, never by what a caller wrote.
 */
export const METRICS = {
  eco_requests_total: { type: "counter", help: "Requests answered, by operation, model and HTTP status." },
  eco_errors_total: {
    type: "counter",
    help: "Requests that failed, and streams that broke off, by the class of the failure.",
  },
  eco_request_seconds: {
    type: "histogram",
    help: "Time from a request's arrival to the last byte of its answer.",
  },
  eco_time_to_first_token_seconds: {
    type: "histogram",
    help: "Time from a request's arrival to the first event of its streamed answer, by the engine that it came from.",
  },
  eco_inter_token_seconds: {
    type: "histogram",
    help: "Mean time between two tokens of a streamed answer that came whole from one engine.",
    buckets: TOKEN_BUCKETS_S,
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
  eco_engine_request_seconds: {
    type: "histogram",
    help: "Time that a request was at an engine, to the last byte of the engine's part.",
  },
  eco_retries_total: {
    type: "counter",
    help: "Further attempts at a request, by the engine that is asked next and kind: failover, retry.",
  },
  eco_queue_wait_seconds: {
    type: "histogram",
    help: "Time that requests waited for a slot of an engine, by engine and priority. Those that got one at once count as 0.",
  },
  eco_queue_refusals_total: {
    type: "counter",
    help: "Requests that got no slot of an engine, by engine and reason: full, deadline, draining, client_gone.",
  },
  eco_engine_up: { type: "gauge", help: "1 when the engine said at its last health check that it is ready." },
  eco_engine_health: { type: "gauge", help: "1 for the engine's state of health: ready, loading, down." },
  eco_engine_draining: {
    type: "gauge",
    help: "1 when the engine gets no new requests, as an operator wants it.",
  },
  eco_circuit_state: {
    type: "gauge",
    help: "1 for the state of the engine's circuit: closed, open, half_open.",
  },
  eco_engine_slots: { type: "gauge", help: "Requests that the engine may have at once." },
  eco_engine_in_flight: {
    type: "gauge",
    help: "Slots of the engine that are lent: to requests of ours that are there, or kept ready for the next.",
  },
  eco_queue_depth: { type: "gauge", help: "Requests that wait with us for a slot of the engine." },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
type NameOf<Type> = {
  [Name in MetricName]: (typeof METRICS)[Name]["type"] extends Type ? Name : never;
}[MetricName];
export type CounterName = NameOf<"counter">;
export type HistogramName = NameOf<"histogram">;
export type GaugeName = NameOf<"gauge">;
export type Labels = Readonly<Record<string, string>>;

/** The upper bounds of a histogram's buckets, in seconds, rising. */
export function bucketsOf(name: MetricName): readonly number[] {
  const metric: Metric = METRICS[name];
  return metric.buckets ?? BUCKETS_S;
}
