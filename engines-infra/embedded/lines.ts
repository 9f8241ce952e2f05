/** The first line that says something. */
export const firstLine = (text: string): string =>
  text
    .split("\n")
    .find((line) => line.trim() !== "")
    ?.trim() ?? "";

/** What an error says, in one line. */
export const messageOf = (error: unknown): string =>
  firstLine(error instanceof Error ? error.message : String(error));
