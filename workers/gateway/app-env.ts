import type { Run } from "./run.ts";

/** What a request carries: its run, handed in with the environment, for that costs no middleware. */
export type AppEnv = { Bindings: { readonly run: Run } };
