import { parseArgs } from "node:util";
import { isKind, kinds } from "./kinds/registry.ts";
import { startSimulator } from "./simulator.ts";

const OPTIONS = {
  kind: { type: "string" },
  port: { type: "string" },
  model: { type: "string", multiple: true },
  "api-key": { type: "string" },
  gap: { type: "string" },
  latency: { type: "string" },
  slots: { type: "string" },
  name: { type: "string" },
  always: { type: "string" },
} as const;

const values = readOptions();
const { kind = "" } = values;
if (!isKind(kind)) usage();

const simulator = await startSimulator({
  kind,
  port: numberOr(values.port, kinds[kind].port),
  ...(values.model ? { models: values.model } : {}),
  ...(values["api-key"] ? { apiKey: values["api-key"] } : {}),
  ...(values.name ? { name: values.name } : {}),
  ...(values.slots ? { slots: numberOr(values.slots, 1) } : {}),
  gapMs: numberOr(values.gap, 0),
  latencyMs: numberOr(values.latency, 0),
  always: values.always ?? "",
});
console.log(`${kind} at ${simulator.url}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void simulator.stop());

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch {
    return usage();
  }
}

function usage(): never {
  console.error(
    `usage: npm run simulator -- --kind ${Object.keys(kinds).join("|")} [--port N] [--model NAME ...] [--api-key KEY]`,
  );
  console.error("         [--gap MS] [--latency MS] [--slots N] [--name NAME] [--always 'gap=5 split=7']");
  process.exit(2);
}

function numberOr(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`'${text}' is not a whole number`);
  process.exit(2);
}
