import type { Report, Row } from "./run.ts";

const MARKS = { pass: "pass", fail: "FAIL", skip: "skip" } as const;
const TITLE_CHARS = 54;

/** One check as a line of the table. */
export const lineOf = ({ id, title, result, detail }: Row): string =>
  `${MARKS[result]}  ${id.padEnd(20)}  ${title.padEnd(TITLE_CHARS)}  ${detail}`.trimEnd();

/** The last line: how many of each. */
export function summaryOf({ rows }: Report): string {
  const count = (result: Row["result"]): number => rows.filter((row) => row.result === result).length;
  return `${count("pass")} passed, ${count("fail")} failed, ${count("skip")} skipped`;
}
