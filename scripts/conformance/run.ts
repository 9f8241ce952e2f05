import { checks } from "./checks/checks.ts";
import type { Check } from "./check.ts";
import { type Lab, openLab } from "./lab.ts";
import type { Options } from "./options.ts";
import { KNOWN } from "./known.ts";
import { type Outcome, fail, skip } from "./outcome.ts";
import type { Recording } from "./wire.ts";

/** What came of one check, and how long it took. */
export type Row = Outcome & { readonly id: string; readonly title: string; readonly tookMs: number };

/** A run of all checks. `ok` where none failed. */
export type Report = {
  readonly rows: readonly Row[];
  readonly ok: boolean;
  readonly recordings: readonly Recording[];
};

/** Runs the checks against one engine, one after another. `onRow` hears of each as it ends. */
export async function runChecks(options: Options, onRow: (row: Row) => void = () => {}): Promise<Report> {
  const lab = await openLab(options);
  const rows: Row[] = [];
  for (const check of checks.filter(({ id }) => options.only?.includes(id) ?? true)) {
    const from = performance.now();
    const outcome = await outcomeOf(check, lab);
    const row = { ...outcome, id: check.id, title: check.title, tookMs: performance.now() - from };
    rows.push(row);
    onRow(row);
  }
  return { rows, ok: rows.every(({ result }) => result !== "fail"), recordings: lab.wire.recordings };
}

async function outcomeOf(check: Check, lab: Lab): Promise<Outcome> {
  const support = check.feature && lab.adapter.abilities[check.feature];
  if (support === "refused") return skip("the engine cannot, and the adapter says so");
  if (support === "gateway") return skip("the platform does it in the engine's place");
  const outcome = await check
    .run(lab)
    .catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
  const reason = KNOWN[lab.kind]?.[check.id];
  return outcome.result === "fail" && reason !== undefined ? skip(`known of it: ${reason}`) : outcome;
}
