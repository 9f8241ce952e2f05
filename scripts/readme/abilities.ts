import { FEATURES, type Support } from "../../shared/engines/abilities.ts";
import type { EngineAdapter } from "../../shared/engines/engine.ts";
import { FEATURE_SAMPLES } from "../../shared/engines/features.ts";

/** Between these lines of README stands what is written here. */
const FIRST = "<!-- abilities: `npm run readme` writes this table -->";
const LAST = "<!-- /abilities -->";

/** Who serves a feature, in a word. */
const WORDS: Readonly<Record<Support, string>> = { engine: "yes", gateway: "by us", refused: "–" };

/** Rows as a table of Markdown, its columns in line as prettier sets them. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [lineOf(head), lineOf(widths.map((width) => "-".repeat(width))), ...rows.map(lineOf)].join("\n");
}

/** What each kind of engine can do, one line a feature. */
export function abilitiesTable(engines: Readonly<Record<string, EngineAdapter>>): string {
  const kinds = Object.keys(engines).toSorted();
  const rows = FEATURES.map((feature) => [
    FEATURE_SAMPLES[feature].title,
    ...kinds.map((kind) => WORDS[engines[kind]?.abilities[feature] ?? "refused"]),
  ]);
  return tableOf(["feature", ...kinds.map((kind) => `\`${kind}\``)], rows);
}

/** README with this table in its place. Throws where the place is not marked. */
export function withAbilities(readme: string, table: string): string {
  const [from, to] = [readme.indexOf(FIRST), readme.indexOf(LAST)];
  if (from < 0 || to < from) throw new Error(`README.md has no place for the table: ${FIRST} … ${LAST}`);
  return `${readme.slice(0, from + FIRST.length)}\n\n${table}\n\n${readme.slice(to)}`;
}
