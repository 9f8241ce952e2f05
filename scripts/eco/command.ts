/** Where a command runs. */
export type Surroundings = {
  readonly processEnv: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  readonly warn: (line: string) => void;
};

/** A command: does what its arguments say, and gives the exit code. 2 is for arguments and places that are wrong. */
export type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>;
