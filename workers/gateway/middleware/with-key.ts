import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";

type Handler = (c: Context<AppEnv>) => Promise<Response>;

/** A handler that is reached with a key only. */
export const withKey =
  (handler: Handler): Handler =>
  async (c) => {
    const { run } = c.env;
    const { ports } = run;
    const authorization = c.req.raw.headers.get("authorization");
    const caller = await ports.authenticate(authorization, ports.keys(run.defer), ports.now());
    if (!caller.ok) return failureResponse(run, caller.error);
    run.principal = caller.value;
    return handler(c);
  };
