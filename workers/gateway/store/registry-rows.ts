import { ModelEntry } from "../../../shared/contracts/admin-models.ts";
import { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { RegistrySnapshot, Stamp } from "../../../shared/models/snapshot.ts";
import type { drainedEngines, engines, modelAliases, models } from "./schema.ts";

type EngineRow = typeof engines.$inferSelect;
type ModelRow = typeof models.$inferSelect;

/** The rows of all tables, as one read gives them. */
export type RegistryRows = {
  readonly version: number;
  readonly engines: readonly EngineRow[];
  readonly drained: readonly (typeof drainedEngines.$inferSelect)[];
  readonly models: readonly ModelRow[];
  readonly aliases: readonly (typeof modelAliases.$inferSelect)[];
};

/** A registry from its rows. A row that cannot be read is left out and named: it must not take the others with it. */
export function readRows(rows: RegistryRows): RegistrySnapshot {
  const aliases = Map.groupBy(rows.aliases, ({ modelId }) => modelId);
  const engines = rows.engines.map((row) => ({ row, parsed: EngineConfig.safeParse(configOf(row)) }));
  const models = rows.models.map((row) => ({
    row,
    parsed: ModelEntry.safeParse(
      entryOf(
        row,
        (aliases.get(row.id) ?? []).map(({ alias }) => alias),
      ),
    ),
  }));
  const stamps = (all: readonly { row: EngineRow | ModelRow; parsed: { success: boolean } }[]) =>
    new Map(all.filter(({ parsed }) => parsed.success).map(({ row }) => [row.id, stampOf(row)]));
  return {
    version: rows.version,
    engines: engines.flatMap(({ parsed }) => parsed.data ?? []),
    drained: rows.drained.map(({ engineId }) => engineId),
    models: models.flatMap(({ parsed }) => parsed.data ?? []),
    engineStamps: stamps(engines),
    modelStamps: stamps(models),
    unreadable: [...engines, ...models].filter(({ parsed }) => !parsed.success).map(({ row }) => row.id),
  };
}

const stampOf = ({ version, createdAtMs, updatedAtMs }: EngineRow | ModelRow): Stamp => ({
  version,
  createdAtMs,
  updatedAtMs,
});

const configOf = ({ id, kind, baseUrl, config }: EngineRow): unknown => ({
  ...(config as object),
  id,
  kind,
  baseUrl,
});

/** An engine's columns. */
export function engineColumns({ id, kind, baseUrl, ...config }: EngineConfig) {
  return { id, kind, baseUrl, config };
}

function entryOf(row: ModelRow, aliases: readonly string[]): unknown {
  const { id, source, names, engineKinds, capabilities, contextLength, parametersB, format, wish, price } =
    row;
  const columns = { source, names, engineKinds, contextLength, parametersB, format, wish, price };
  const said = Object.entries(columns).filter(([, value]) => value !== null);
  return { id, capabilities, ...Object.fromEntries(said), ...(aliases.length > 0 && { aliases }) };
}

/** A model's columns; its aliases have a table of their own. */
export function modelColumns({ aliases: _, ...entry }: ModelEntry) {
  return {
    id: entry.id,
    capabilities: entry.capabilities,
    source: entry.source ?? null,
    names: entry.names ?? null,
    engineKinds: entry.engineKinds ?? null,
    contextLength: entry.contextLength ?? null,
    parametersB: entry.parametersB ?? null,
    format: entry.format ?? null,
    wish: entry.wish ?? null,
    price: entry.price ?? null,
  };
}
