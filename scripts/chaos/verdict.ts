/** What an unbroken answer would have been. */
export type Expected = { readonly text: string; readonly finish: string };

/** A streamed answer as its client has it. */
export type HeardStream = {
  readonly text: string;
  readonly finishes: readonly string[];
  readonly done: boolean;
  /** Whether an error was told inside the stream. */
  readonly failed: boolean;
};

/** What a client got: the very answer; the truth, that there is none; or something that it would take for an answer. */
export type Verdict = "equal" | "told" | "wrong";

/**
 * Judges a stream. A broken one may have said the beginning of the answer, and nothing that looks like its end: an engine
 * may fail behind its last word, too, but says it then of a whole answer.
 */
export function judgeStream({ text, finishes, done, failed }: HeardStream, expected: Expected): Verdict {
  const whole = finishes.length === 1 && finishes[0] === expected.finish && text === expected.text;
  if (!failed) return done && whole ? "equal" : "wrong";
  const begun = finishes.length === 0 && expected.text.startsWith(text);
  return !done && (begun || whole) ? "told" : "wrong";
}

/** Judges the answer to a request for a whole one. An error has a status that says whose it is, and words. */
export function judgeWhole(status: number, body: unknown, expected: Expected): Verdict {
  if (status !== 200) return isOurError(status, body) ? "told" : "wrong";
  const { choices } = body as { choices?: { message?: { content?: unknown }; finish_reason?: unknown }[] };
  const [choice, ...others] = choices ?? [];
  const same = choice?.message?.content === expected.text && choice.finish_reason === expected.finish;
  return same && others.length === 0 ? "equal" : "wrong";
}

/** The statuses by which a caller who did nothing wrong may be refused. */
const STATUSES = [429, 502, 503, 504];

/** Whether an answer is an error that a caller can act upon. */
export function isOurError(status: number, body: unknown): boolean {
  const { error } = (body ?? {}) as { error?: { message?: unknown; code?: unknown } };
  return STATUSES.includes(status) && typeof error?.message === "string" && typeof error.code === "string";
}

/** How often each verdict was given. */
export type Verdicts = Readonly<Record<Verdict, number>>;

/** Counts verdicts. */
export function countVerdicts(verdicts: readonly Verdict[]): Verdicts {
  const counts = { equal: 0, told: 0, wrong: 0 };
  for (const verdict of verdicts) counts[verdict] += 1;
  return counts;
}
