/** What a command has of the world. */
export type Io = {
  readonly env: NodeJS.ProcessEnv;
  /** Tells what came of it. */
  readonly print: (line: string) => void;
  /** All that is written to it from without. */
  readonly readInput: () => Promise<string>;
  readonly fetch: typeof fetch;
};

/** A command of `npm run eco`. */
export type Command = {
  /** How it is called, a line for each form. */
  readonly usage: readonly string[];
  /** Does it, and gives the exit code. Throws an `EcoError` where that is for the user to read. */
  readonly run: (args: readonly string[], io: Io) => Promise<number>;
};

/** What ends a command with one line: 1 where the platform refused or something is wrong, 2 for arguments and the network. */
export class EcoError extends Error {
  readonly code: 1 | 2;

  constructor(message: string, code: 1 | 2 = 2) {
    super(message);
    this.code = code;
  }
}
