import type { Feature } from "../../shared/engines/abilities.ts";
import type { Lab } from "./lab.ts";
import type { Outcome } from "./outcome.ts";

/** One thing that the adapter promises of its engine. */
export type Check = {
  /** Names its recordings: `stop`, `stop-2` ... */
  readonly id: string;
  readonly title: string;
  /** Of which feature it is: skipped where the engine is not the one who serves that. */
  readonly feature?: Feature;
  run(lab: Lab): Promise<Outcome>;
};
