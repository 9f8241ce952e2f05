import { standingHeaders } from "../../../shared/limits/say.ts";
import type { Run } from "../run.ts";

/** What every answer says of its request: the id, under OpenAI's name for it and under ours, and how its key stands. */
export function idHeaders(run: Run): Record<string, string> {
  const headers: Record<string, string> = { "x-request-id": run.id, "x-eco-request-id": run.id };
  const standing = run.admission?.standing;
  if (standing?.requests || standing?.tokens) Object.assign(headers, standingHeaders(standing));
  return headers;
}
