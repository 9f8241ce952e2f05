import type { Check } from "../check.ts";
import { aboutChecks } from "./about.ts";
import { chatChecks } from "./chat.ts";
import { completionChecks } from "./completions.ts";
import { continuationChecks } from "./continuation.ts";
import { extraChecks } from "./extras.ts";
import { faultChecks } from "./faults.ts";
import { formatChecks } from "./formats.ts";
import { leavingChecks } from "./leaving.ts";
import { limitChecks } from "./limits.ts";
import { refusalChecks } from "./refusals.ts";
import { toolChecks } from "./tools.ts";
import { vectorChecks } from "./vectors.ts";

/** Everything that is checked, in the order of the table. Its ids are those of `--only`. */
export const checks: readonly Check[] = [
  ...aboutChecks,
  ...chatChecks,
  ...limitChecks,
  ...formatChecks,
  ...toolChecks,
  ...extraChecks,
  ...completionChecks,
  ...continuationChecks,
  ...vectorChecks,
  ...faultChecks,
  ...leavingChecks,
  ...refusalChecks,
];
