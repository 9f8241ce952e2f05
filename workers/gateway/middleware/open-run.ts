import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import type { Ports } from "../ports.ts";
import { Run } from "../run.ts";

/** Opens the run of each request, and ends it when the answer does not go on as a stream. */
export const openRun =
  (ports: Ports): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const context = c.executionCtx;
    const run = new Run(ports, (work) => context.waitUntil(work), c.req.method, c.req.path);
    c.set("run", run);
    await next();
    if (run.isStreaming) return;
    run.status = c.res.status;
    run.finish();
  };
