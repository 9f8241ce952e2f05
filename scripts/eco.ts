// `npm run eco -- COMMAND`: what operators do from a shell. Commands are in `scripts/eco`.
import { text } from "node:stream/consumers";
import { runEco } from "./eco/run.ts";

process.exitCode = await runEco(
  process.argv.slice(2),
  { env: process.env, print: (line) => console.log(line), readInput: () => text(process.stdin), fetch },
  (line) => console.error(line),
);
