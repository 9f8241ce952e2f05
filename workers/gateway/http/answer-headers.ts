import { concernsCors, corsHeaders } from "../../../shared/http/cors.ts";
import { securityHeaders } from "../../../shared/http/security-headers.ts";
import { standingHeaders } from "../../../shared/limits/say.ts";
import type { Run } from "../run.ts";

/**
 * What every answer says: the id of its request, under OpenAI's name for it and under ours, how its key stands, and what browsers may do with
 * it. It comes first in an answer's headers: what an answer says otherwise of itself goes over it. A middleware that did
 * this would copy the headers of every answer.
 */
export function idHeaders(run: Run): Record<string, string> {
  const { request, principal, ports } = run;
  const { CORS_ORIGINS: policy } = ports.config;
  const keyOrigins = principal?.origins ?? null;
  const headers: Record<string, string> = {
    ...securityHeaders(request.url),
    "x-request-id": run.id,
    "x-eco-request-id": run.id,
  };
  const standing = run.admission?.standing;
  if (standing?.requests || standing?.tokens) Object.assign(headers, standingHeaders(standing));
  if (!concernsCors(policy, keyOrigins)) return headers;
  return Object.assign(headers, corsHeaders(policy, request.headers.get("origin"), keyOrigins));
}
