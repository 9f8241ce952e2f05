import type { Context } from "hono";
import type { ExplainedRequest } from "../../../shared/contracts/request-record.ts";
import { isRequestId } from "../../../shared/kernel/ids.ts";
import { err, ok } from "../../../shared/kernel/result.ts";
import { answer, fromStore } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";

const HINT =
  "The latest 10,000 are known, each a few seconds after its answer has ended: look again soon, or in the log.";

/** `GET /admin/requests/{id}`: what became of a request of late, by its id or that of one of its attempts. */
export async function getRequest(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const { ports } = run;
  const id = c.req.param("id") ?? "";
  const unknown = err({ kind: "not_found", resource: "request", id, hint: HINT } as const);
  if (!isRequestId(id)) return answer(run, unknown);
  const found = await fromStore(run, async () => {
    // Whoever asks for the request that they have just made shall find it.
    await ports.flush();
    return ports.requests.find(id);
  });
  if (!found.ok) return answer(run, found);
  const { value: record } = found;
  if (!record) return answer(run, unknown);
  return answer(run, ok({ object: "request", ...record } satisfies ExplainedRequest));
}
