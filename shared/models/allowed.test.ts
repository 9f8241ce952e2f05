import { describe, expect, it } from "vitest";
import type { ModelEntry } from "../contracts/admin-models.ts";
import { isAllowed, mayAskFor } from "./allowed.ts";
import { indexModels } from "./model-index.ts";
import type { FleetEngine } from "./resolve.ts";

const entry = (id: string, more: Partial<ModelEntry> = {}): ModelEntry => ({
  id,
  capabilities: ["chat"],
  ...more,
});
const engine = (id: string, ...models: string[][]): FleetEngine => ({
  id,
  kind: "ollama",
  reachable: true,
  models: models.map((names) => ({ names, anyCase: true })),
});

const index = indexModels(
  [
    entry("big", { source: "org/big", aliases: ["smart", "default"], names: { ollama: ["big:70b"] } }),
    entry("small", { source: "org/small", aliases: ["quick"] }),
    entry("away", { source: "org/away", aliases: ["gone"] }),
  ],
  [engine("one", ["big:70b"], ["small"], ["loose", "loose:latest"]), engine("two", ["org/small"])],
);

describe("a key that is for some models", () => {
  it.each<[string[], string, boolean]>([
    [["big"], "big", true],
    [["big"], "org/big", true],
    [["big"], "smart", true],
    [["big"], "big:70b", true],
    [["big"], "BIG:70B", true],
    [["big"], "default", true],
    [["smart"], "big", true],
    [["org/big"], "smart", true],
    [["big"], "small", false],
    [["big"], "quick", false],
    [["small"], "default", false],
    [["default"], "default", true],
    [["loose"], "loose:latest", true],
    [["loose:latest"], "LOOSE", true],
    [["big"], "loose", false],
    [["big"], "nothing", false],
    [["nothing"], "nothing", true],
    [["away"], "gone", true],
    [["gone"], "org/away", true],
    [["big"], "gone", false],
    [["big"], "capability:chat", true],
    [["small"], "capability:chat", false],
    [[], "big", false],
  ])("%j may ask for %s: %s", (allowed, name, may) => {
    expect(mayAskFor(allowed, index, name)).toBe(may);
  });

  it.each<[string[], string[]]>([
    [["quick"], ["small"]],
    [
      ["big", "loose:latest"],
      ["big", "loose"],
    ],
    [["away"], []],
  ])("%j sees %j", (allowed, seen) => {
    expect(index.served.filter((model) => isAllowed(allowed, model)).map(({ id }) => id)).toEqual(seen);
  });
});
