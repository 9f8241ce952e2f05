import type { EngineCall } from "../../../shared/engines/engine.ts";
import type { Place } from "../../../shared/models/resolve.ts";
import type { Ask, Endpoint } from "../fleet/fleet.ts";
import type { Run } from "../run.ts";

/** A request that is known to be well formed, and the places that serve its model. */
export type Job<Body> = {
  readonly run: Run;
  readonly body: Body;
  readonly text: string;
  readonly places: readonly Place<Endpoint>[];
  readonly clientGone: AbortSignal;
  /** What decides between the places, and how long the request may wait for one. */
  readonly ask: Ask;
};

/**
 * A call to an engine. Each attempt has an id of its own, for an engine that still works on the one before would refuse
 * the same; it differs from the request's in its last two digits, so that both are found together.
 */
export const callOf = <Body>(
  { run, body, text }: Pick<Job<Body>, "run" | "body" | "text">,
  { engine, model }: Place<Endpoint>,
  attempt: number,
): EngineCall<Body> => ({
  body,
  text,
  engine: engine.id,
  model,
  requestId: attempt === 0 ? run.id : run.id.slice(0, -2) + (attempt % 256).toString(16).padStart(2, "0"),
});
