import { describe, expect, it } from "vitest";
import { FEATURES } from "../../shared/engines/abilities.ts";
import type { EngineAdapter } from "../../shared/engines/engine.ts";
import { engines } from "../../shared/engines/engines.ts";
import { abilitiesTable, withAbilities } from "./abilities.ts";

const PLACE =
  "# eco\n\n<!-- abilities: `npm run readme` writes this table -->\n\nold\n\n<!-- /abilities -->\n\nmore\n";

const { ollama } = engines;
const counting: EngineAdapter = {
  ...ollama,
  abilities: { ...ollama.abilities, several_choices: "gateway", stop: "refused" },
};

describe("the table of abilities", () => {
  it("has a line for each feature, a column for each kind, and all columns in line", () => {
    const [head = "", rule = "", ...rows] = abilitiesTable({ b: counting, a: ollama }).split("\n");
    expect(head).toMatch(/^\| feature\s+\| `a`\s+\| `b`\s+\|$/);
    expect(rule).toMatch(/^(\| -+ )+\|$/);
    expect(rows).toHaveLength(FEATURES.length);
    expect(new Set([head, rule, ...rows].map((row) => row.length)).size).toBe(1);
    const line = (title: string) =>
      rows
        .find((row) => row.startsWith(`| ${title}`))
        ?.split("|")
        .map((cell) => cell.trim())
        .slice(2, 4);
    expect(line("`stop`")).toEqual(["yes", "–"]);
    expect(line("several choices")?.[1]).toBe("by us");
    expect(line("reranking")).toEqual(["–", "–"]);
  });

  it("stands in its place in README, and nothing else changes", () => {
    const once = withAbilities(PLACE, "| new |");
    expect(once).toBe(PLACE.replace("old", "| new |"));
    expect(withAbilities(once, "| new |")).toBe(once);
    expect(() => withAbilities("# eco", "| new |")).toThrow("has no place");
  });
});
