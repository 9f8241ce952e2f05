import { preflightHeaders } from "../../../shared/http/cors.ts";
import type { Run } from "../run.ts";
import { idHeaders } from "./answer-headers.ts";

/** The answer to a browser that asks whether a page may send its request; undefined where it asks nothing, or is not to know. */
export function preflightResponse(run: Run, methods: readonly string[]): Response | undefined {
  const { request, ports } = run;
  if (request.method !== "OPTIONS") return undefined;
  const { headers } = request;
  const asked = {
    origin: headers.get("origin"),
    method: headers.get("access-control-request-method"),
    headers: headers.get("access-control-request-headers"),
  };
  const allowed = preflightHeaders(ports.config.CORS_ORIGINS, asked, methods);
  if (!allowed) return undefined;
  run.operation = "preflight";
  return new Response(null, { status: 204, headers: { ...idHeaders(run), ...allowed } });
}
