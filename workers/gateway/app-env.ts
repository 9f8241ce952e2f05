import type { Run } from "./run.ts";

/** What a request carries through the middleware. */
export type AppEnv = { Variables: { run: Run } };
