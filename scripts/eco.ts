// `npm run eco -- <command> …`: tools for a platform that runs. Each command is a file under scripts/eco.
import { audit } from "./eco/audit.ts";
import type { Command } from "./eco/command.ts";

const COMMANDS: Readonly<Record<string, Command>> = { audit };

const [name = "", ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command)
  process.exitCode = await command(args, { processEnv: process.env, say: console.log, warn: console.error });
else {
  console.error(`Usage: npm run eco -- ${Object.keys(COMMANDS).join("|")} …`);
  process.exitCode = 2;
}
