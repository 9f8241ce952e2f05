// `npm run conformance -- --kind vllm --url http://127.0.0.1:8000`: holds an adapter against a real engine, check by
// check, through the adapter's own functions. Exit code 1 where one fails.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { USAGE, readOptions } from "./conformance/options.ts";
import { runChecks } from "./conformance/run.ts";
import { lineOf, summaryOf } from "./conformance/table.ts";

const options = readOptions(process.argv.slice(2));
if (typeof options === "string") {
  console.error(`${options}\n\n${USAGE}`);
  process.exit(2);
}

console.log(`${options.kind} at ${options.url}\n`);
const report = await runChecks(options, (row) => console.log(lineOf(row)));
console.log(`\n${summaryOf(report)}`);

if (options.out !== undefined) {
  const folder = join(options.out, `${options.kind}-real`);
  await mkdir(folder, { recursive: true });
  for (const { name, bytes } of report.recordings) await writeFile(join(folder, `${name}.http`), bytes);
  console.log(`${report.recordings.length} answers in ${folder}`);
}
process.exitCode = report.ok ? 0 : 1;
