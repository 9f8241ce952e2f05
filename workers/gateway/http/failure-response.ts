import { reportFailure } from "../../../shared/contracts/error.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { failureHeaders } from "../relay/explain.ts";
import type { Run } from "../run.ts";

/** A failure as an HTTP answer: the one place where failures become HTTP. */
export function failureResponse(run: Run, failure: Failure): Response {
  const { status, body, headers } = reportFailure(failure);
  run.error = failure.kind;
  return Response.json(body, { status, headers: { ...failureHeaders(run), ...headers } });
}
