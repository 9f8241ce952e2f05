import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";

/** Lets nobody through without a key. */
export const requireKey: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { run } = c.var;
  const { ports } = run;
  const caller = await ports.authenticate(
    c.req.header("authorization") ?? null,
    ports.keys(run.defer),
    ports.now(),
  );
  if (!caller.ok) return failureResponse(run, caller.error);
  run.principal = caller.value;
  return next();
};
