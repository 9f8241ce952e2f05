import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";
import { withKey } from "./with-key.ts";

type Handler = (c: Context<AppEnv>) => Promise<Response>;

/** A handler that is reached with an operator's key only. */
export const withAdmin = (handler: Handler): Handler =>
  withKey(async (c) => {
    const { run } = c.env;
    run.operation = "admin";
    if (run.principal?.role === "admin") return handler(c);
    return failureResponse(run, {
      kind: "forbidden",
      message: "This is for operators: use a key with the role admin.",
    });
  });
