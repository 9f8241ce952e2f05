import { admin } from "./admin.ts";
import { audit } from "./audit.ts";
import { type Command, EcoError, type Io } from "./command.ts";

/** The commands of `npm run eco`, by name: each is a file of this folder. */
const COMMANDS: Readonly<Record<string, Command>> = { admin, audit };

const USAGE = [
  "npm run eco -- COMMAND",
  "",
  ...Object.values(COMMANDS).flatMap(({ usage }) => usage.map((line) => `  ${line}`)),
  "",
  "All take --url URL and --key KEY, or ECO_URL and ECO_KEY, for another platform than that of `npm start` here.",
].join("\n");

/** Runs a command, and gives the exit code. What goes wrong is told in one line by `printError`. */
export async function runEco(
  args: readonly string[],
  io: Io,
  printError: (line: string) => void,
): Promise<number> {
  const [name = "", ...rest] = args;
  if (name === "--help" || name === "-h") {
    io.print(USAGE);
    return 0;
  }
  const command = new Map(Object.entries(COMMANDS)).get(name);
  if (!command) {
    printError(name === "" ? USAGE : `There is no command \`${name}\`.\n\n${USAGE}`);
    return 2;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (!(error instanceof EcoError)) throw error;
    printError(error.code === 2 ? `${error.message}\n\n${command.usage.join("\n")}` : error.message);
    return error.code;
  }
}
