/** What came of one check. `skip` where the engine or its model cannot be asked, with the reason. */
export type Outcome = { readonly result: "pass" | "fail" | "skip"; readonly detail: string };

export const pass = (detail = ""): Outcome => ({ result: "pass", detail });
export const fail = (detail: string): Outcome => ({ result: "fail", detail });
export const skip = (reason: string): Outcome => ({ result: "skip", detail: reason });

/** Something that must hold, and what is said where it does not. */
export type Claim = readonly [holds: boolean, otherwise: string];

/** Passes where every claim holds, and fails with the words of the first that does not. */
export function judge(detail: string, claims: readonly Claim[]): Outcome {
  const broken = claims.find(([holds]) => !holds);
  return broken ? fail(broken[1]) : pass(detail);
}

/** A text short enough for a line of a table, on one line. */
export function quote(text: string, charsMax = 60): string {
  return JSON.stringify(text.length > charsMax ? `${text.slice(0, charsMax)}…` : text);
}
