import { describe, expect, it } from "vitest";
import { ModelEntry } from "../../shared/contracts/admin-models.ts";
import { indexModels } from "../../shared/models/model-index.ts";
import type { Endpoint, Fleet } from "./fleet/fleet.ts";
import { modelIdOf, priceOf } from "./places.ts";

describe("what a model costs", () => {
  const price = { inputPerMillion: 1, outputPerMillion: 2 };
  const entry = ModelEntry.parse({
    id: "llama-3.1-8b-instruct",
    source: "meta-llama/Llama-3.1-8B-Instruct",
    aliases: ["fast"],
    names: { ollama: ["llama3.1:8b"] },
    capabilities: ["chat"],
    price,
  });
  const engine = (id: string, names: readonly string[][]) =>
    ({
      id,
      kind: "ollama",
      reachable: true,
      models: names.map((each) => ({ names: each })),
    }) as unknown as Endpoint;
  const index = indexModels(
    [entry],
    [
      engine("desk", [
        ["llama3.1:8b", "llama3.1:latest"],
        ["phi3:latest", "phi3"],
      ]),
    ],
  );
  const fleet = { index: () => index } as unknown as Fleet;

  it.each<[name: string, price: unknown]>([
    ["llama-3.1-8b-instruct", price],
    ["meta-llama/Llama-3.1-8B-Instruct", price],
    ["fast", price],
    ["llama3.1:8b", price],
    ["llama3.1:latest", price],
    ["capability:chat", price],
    ["default", price],
    ["phi3", undefined],
    ["nobody", undefined],
  ])("is the same by each of its names: %s", (name, told) => {
    expect(priceOf(fleet, modelIdOf(fleet, name))).toEqual(told);
  });
});
