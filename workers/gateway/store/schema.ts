import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

// D1's tables. After a change: `npm run migration -- --name what_changed`; a merged migration is never edited.

/** Owners of keys and usage. */
export const workspaces = sqliteTable("workspaces", {
  id: text().primaryKey(),
  name: text().notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** API keys, by the HMAC of their secret: the secret itself is shown once and stored nowhere. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    hash: text().primaryKey(),
    id: text().notNull().unique(),
    workspaceId: text("workspace_id")
      .notNull()
      .references(() => workspaces.id),
    name: text().notNull(),
    role: text({ enum: ["admin", "developer"] }).notNull(),
    hint: text().notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms"),
    revokedAtMs: integer("revoked_at_ms"),
  },
  (table) => [index("api_keys_workspace").on(table.workspaceId)],
);

/** The registry's version, in its one row. It goes up by one with every change of what follows. */
export const registry = sqliteTable("registry", {
  id: integer().primaryKey(),
  version: integer().notNull(),
});

/** Engines that operators have registered; those of the variable ENGINES are in no table. */
export const engines = sqliteTable("engines", {
  id: text().primaryKey(),
  kind: text().notNull(),
  baseUrl: text("base_url").notNull(),
  /** All else of its configuration, as JSON. */
  config: text({ mode: "json" }).notNull(),
  version: integer().notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
  updatedAtMs: integer("updated_at_ms").notNull(),
});

/** Engines that get no new requests. They may be of the variable ENGINES as well, so nothing is referenced. */
export const drainedEngines = sqliteTable("drained_engines", {
  engineId: text("engine_id").primaryKey(),
  sinceMs: integer("since_ms").notNull(),
});

/** Models that operators have registered; those that are built in are in no table until somebody changes one. */
export const models = sqliteTable("models", {
  id: text().primaryKey(),
  source: text(),
  names: text({ mode: "json" }),
  engineKinds: text("engine_kinds", { mode: "json" }),
  capabilities: text({ mode: "json" }).notNull(),
  contextLength: integer("context_length"),
  parametersB: real("parameters_b"),
  format: text(),
  wish: text(),
  version: integer().notNull(),
  createdAtMs: integer("created_at_ms").notNull(),
  updatedAtMs: integer("updated_at_ms").notNull(),
});

/** Other names of registered models. One name is one model's alone. */
export const modelAliases = sqliteTable(
  "model_aliases",
  {
    alias: text().primaryKey(),
    modelId: text("model_id")
      .notNull()
      .references(() => models.id),
  },
  (table) => [index("model_aliases_model").on(table.modelId)],
);

/** What engines have been told to do with models and have not ended. The model may be one that is built in. */
export const modelActions = sqliteTable(
  "model_actions",
  {
    modelId: text("model_id").notNull(),
    engineId: text("engine_id").notNull(),
    action: text({ enum: ["pull", "load", "unload", "sleep", "wake"] }).notNull(),
    startedAtMs: integer("started_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.modelId, table.engineId] })],
);
