import type { Context } from "hono";
import { fleetSeries } from "../../../shared/metrics/fleet-series.ts";
import { renderMetrics } from "../../../shared/metrics/render.ts";
import type { AppEnv } from "../app-env.ts";
import { slotsOf } from "../fleet/fleet.ts";
import { idHeaders } from "../http/answer-headers.ts";

type Health = { status: "ok" | "degraded"; engines: { ready: number; total: number } };

/** `GET /health`: whether the platform runs (it does, if this is read) and how much of the fleet is there. */
export async function health(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "health";
  const endpoints = await run.ports.fleet.list(run.defer);
  const reachable = endpoints.filter((endpoint) => endpoint.reachable).length;
  const body: Health = {
    status: reachable === endpoints.length && reachable > 0 ? "ok" : "degraded",
    engines: { ready: reachable, total: endpoints.length },
  };
  return Response.json(body, { headers: idHeaders(run) });
}

/** `GET /ready`: 200 when a request could be served now: the database answers, and an engine is there. */
export async function ready(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "ready";
  const [endpoints, database] = await Promise.all([run.ports.fleet.refresh(), run.ports.pingDatabase()]);
  const engines = endpoints.some((endpoint) => endpoint.reachable);
  const checks = { database: database ? "ok" : "unreachable", engines: engines ? "ok" : "none ready" };
  return Response.json(
    { ready: database && engines, checks },
    {
      status: database && engines ? 200 : 503,
      headers: idHeaders(run),
    },
  );
}

/** `GET /metrics`: Prometheus text, of all isolates together. For operators, unless METRICS_PUBLIC is set. */
export async function metrics(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const { ports } = run;
  run.operation = "metrics";
  await ports.flush();
  // A scrape is to show the engines as they are now; one that fails at that is worth more than none.
  const engines = await ports.fleet.reload().catch(() => ports.fleet.list(run.defer));
  const gauges = fleetSeries(
    engines.map((engine) => ({ id: engine.id, status: engine.status, slots: slotsOf(engine) })),
  );
  const text = (await ports.renderMetrics()) + renderMetrics(gauges);
  return new Response(text, {
    headers: { ...idHeaders(run), "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}
