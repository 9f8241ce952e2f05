import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";

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
  return Response.json(body, { headers: { "x-request-id": run.id, "cache-control": "no-store" } });
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
      headers: { "x-request-id": run.id, "cache-control": "no-store" },
    },
  );
}

/** `GET /metrics`: Prometheus text, of all isolates together. For operators, unless METRICS_PUBLIC is set. */
export async function metrics(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const { ports } = run;
  run.operation = "metrics";
  if (!ports.config.METRICS_PUBLIC) {
    const caller = await ports.authenticate(
      c.req.header("authorization") ?? null,
      ports.keys(run.defer),
      ports.now(),
    );
    if (!caller.ok) return failureResponse(run, caller.error);
    if (caller.value.role !== "admin")
      return failureResponse(run, {
        kind: "forbidden",
        message: "Metrics are for operators: use a key with the role admin.",
      });
  }
  await ports.flushMetrics();
  const up = (await ports.fleet.list(run.defer)).map(
    ({ id, reachable }) => `eco_engine_up{engine="${id}"} ${reachable ? 1 : 0}\n`,
  );
  const head =
    "# HELP eco_engine_up 1 when the engine answered its last health check.\n# TYPE eco_engine_up gauge\n";
  const text = (await ports.renderMetrics()) + (up.length > 0 ? head + up.join("") : "");
  return new Response(text, {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "x-request-id": run.id },
  });
}
