import { DurableObject } from "cloudflare:workers";
import { AutoRouter } from "itty-router";
import { renderMetrics } from "../../../shared/metrics/render.ts";
import { type Series, mergeSeries } from "../../../shared/metrics/series.ts";

/**
 * The sum of what all isolates have counted, for there are many of them and each scrape reaches but one. They hand
 * their numbers over every few seconds, so this costs nothing on a request's path.
 */
export class MetricsObject extends DurableObject {
  #series: Series;
  readonly #router = AutoRouter();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#series = ctx.storage.kv.get<Series>("series") ?? {};
    // For operators: the raw series, and a fresh start.
    this.#router.get("/state", () => this.#series).post("/reset", () => this.#replace({}));
  }

  /** Adds one isolate's numbers. */
  add(series: Series): void {
    this.#replace(mergeSeries(this.#series, series));
  }

  /** Everything, as Prometheus text. */
  render(): string {
    return renderMetrics(this.#series);
  }

  /** The admin endpoint inside the object. */
  override fetch(request: Request): Promise<Response> {
    return this.#router.fetch(request) as Promise<Response>;
  }

  #replace(series: Series): Series {
    this.#series = series;
    this.ctx.storage.kv.put("series", series);
    return series;
  }
}
