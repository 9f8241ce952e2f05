import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isKind, kinds } from "./kinds/registry.ts";
import { record } from "./recording.ts";

const { values } = parseArgs({
  options: {
    kind: { type: "string" },
    out: { type: "string" },
    url: { type: "string" },
    model: { type: "string" },
  },
});
const { kind = "", out = "", url, model } = values;

if (!isKind(kind) || out === "") {
  console.error(
    `usage: record.ts --kind ${Object.keys(kinds).join("|")} --out FOLDER [--url http://host:port] [--model NAME]`,
  );
  process.exit(2);
}

await mkdir(join(out, kind), { recursive: true });
for (const { name, bytes } of await record(kind, url, model)) {
  const path = join(out, kind, `${name}.http`);
  await writeFile(path, bytes);
  console.log(`${path} ${bytes.length} bytes`);
}
