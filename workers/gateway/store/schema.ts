import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { ROLES } from "../../../shared/auth/permissions.ts";

// D1's tables. After a change: `npm run migration -- --name what_changed`; a merged migration is never edited.

/** Owners of keys, members and usage. */
export const workspaces = sqliteTable(
  "workspaces",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** Whether its admins run this platform. */
    operator: integer({ mode: "boolean" }).notNull().default(false),
    /** What all of its keys together may use, as JSON. */
    limits: text({ mode: "json" }),
    version: integer().notNull().default(1),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  // The platform writes down what it does by itself with the oldest of the operators.
  (table) => [index("workspaces_operator").on(table.operator, table.createdAtMs)],
);

/** People. Their password is a scrypt hash with its parameters and salt. */
export const users = sqliteTable("users", {
  id: text().primaryKey(),
  /** Trimmed and in small letters. */
  email: text().notNull().unique(),
  name: text().notNull(),
  passwordHash: text("password_hash").notNull(),
  disabledAtMs: integer("disabled_at_ms"),
  createdAtMs: integer("created_at_ms").notNull(),
  updatedAtMs: integer("updated_at_ms").notNull(),
});

/** Who belongs to which workspace, and as what. */
export const memberships = sqliteTable(
  "memberships",
  {
    workspaceId: text("workspace_id")
      .notNull()
      .references(() => workspaces.id),
    userId: text("user_id")
      .notNull()
      .references(() => users.id),
    role: text({ enum: ROLES }).notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.userId] }),
    index("memberships_user").on(table.userId),
  ],
);

/** Sign-ins: each is a family of refresh tokens, of which one is live. */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id),
    workspaceId: text("workspace_id").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    revokedAtMs: integer("revoked_at_ms"),
  },
  (table) => [index("sessions_user").on(table.userId)],
);

/** Refresh tokens by their hash. One that is presented a second time ends its session. */
export const refreshTokens = sqliteTable(
  "refresh_tokens",
  {
    hash: text().primaryKey(),
    sessionId: text("session_id")
      .notNull()
      .references(() => sessions.id),
    createdAtMs: integer("created_at_ms").notNull(),
    usedAtMs: integer("used_at_ms"),
  },
  (table) => [index("refresh_tokens_session").on(table.sessionId, table.usedAtMs)],
);

/** Tokens that are good for one thing once, by their hash: a new password, or a way into a workspace. */
export const oneTimeTokens = sqliteTable(
  "one_time_tokens",
  {
    hash: text().primaryKey(),
    id: text().notNull().unique(),
    purpose: text({ enum: ["password_reset", "invite"] }).notNull(),
    /** Whose password; null for an invitation. */
    userId: text("user_id"),
    /** Into which workspace, as what, and for whom where that is said; of a password the operator's workspace alone. */
    workspaceId: text("workspace_id"),
    role: text({ enum: ROLES }),
    email: text(),
    createdBy: text("created_by"),
    createdAtMs: integer("created_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
    usedAtMs: integer("used_at_ms"),
  },
  (table) => [
    index("one_time_tokens_workspace").on(table.workspaceId),
    index("one_time_tokens_user").on(table.userId),
  ],
);

/** API keys: whom they are for and what they may. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    workspaceId: text("workspace_id")
      .notNull()
      .references(() => workspaces.id),
    name: text().notNull(),
    role: text({ enum: ROLES }).notNull(),
    /** Permissions; null for all of its role. */
    scopes: text({ mode: "json" }),
    /** Names of models; null for all. Likewise origins and addresses. */
    models: text({ mode: "json" }),
    origins: text({ mode: "json" }),
    ips: text({ mode: "json" }),
    limits: text({ mode: "json" }),
    priority: text(),
    metadata: text({ mode: "json" }),
    /** The user or the key that made it; null for one that was made from without. */
    createdBy: text("created_by"),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    expiresAtMs: integer("expires_at_ms"),
    revokedAtMs: integer("revoked_at_ms"),
    lastUsedAtMs: integer("last_used_at_ms"),
    /** Goes up with every change: what is cached of an older one is void. */
    version: integer().notNull().default(1),
  },
  // Each answers a list, the newest first, without sorting.
  (table) => [
    index("api_keys_workspace").on(table.workspaceId, table.createdAtMs, table.id),
    index("api_keys_created_by").on(table.workspaceId, table.createdBy, table.createdAtMs, table.id),
  ],
);

/** The secrets of keys, by their HMAC: a secret is shown once and stored nowhere. A key that is rotated has two for a while. */
export const keySecrets = sqliteTable(
  "key_secrets",
  {
    hash: text().primaryKey(),
    keyId: text("key_id")
      .notNull()
      .references(() => apiKeys.id),
    /** With which pepper it was hashed. */
    pepperVersion: integer("pepper_version").notNull().default(1),
    hint: text().notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    /** When its grace is over; null for the one that stays. */
    expiresAtMs: integer("expires_at_ms"),
  },
  (table) => [index("key_secrets_key").on(table.keyId)],
);

/**
 * What was used, by hour. The object of a key writes its own rows, each time the whole of an hour, so that a row that is
 * written twice is right.
 */
export const usageHours = sqliteTable(
  "usage_hours",
  {
    workspaceId: text("workspace_id").notNull(),
    /** Hours since 1970. */
    hour: integer().notNull(),
    keyId: text("key_id").notNull(),
    model: text().notNull(),
    engine: text().notNull(),
    requests: integer().notNull(),
    /** Of them, those whose tokens had to be counted or estimated by us. */
    estimated: integer().notNull(),
    promptTokens: integer("prompt_tokens").notNull(),
    cachedTokens: integer("cached_tokens").notNull(),
    completionTokens: integer("completion_tokens").notNull(),
    reasoningTokens: integer("reasoning_tokens").notNull(),
    /** In billionths of the operator's currency. */
    costNano: integer("cost_nano").notNull(),
    queueMs: integer("queue_ms").notNull(),
    engineMs: integer("engine_ms").notNull(),
    overheadMs: integer("overhead_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.hour, table.keyId, table.model, table.engine] }),
    index("usage_hours_hour").on(table.hour),
    index("usage_hours_key").on(table.keyId, table.hour),
  ],
);

/** A member of a record, to look for: it cannot differ from what was hashed. */
const ofRecord = (path: string) => sql.raw(`json_extract("record", '${path}')`);

/**
 * What was changed by whom: each workspace's records are a chain of hashes. Rows are added, never changed: triggers see to
 * it. Times never go back along a chain, so that a time is a place in it.
 */
export const audit = sqliteTable(
  "audit",
  {
    workspaceId: text("workspace_id").notNull(),
    seq: integer().notNull(),
    atMs: integer("at_ms").notNull(),
    /** The record without its hashes, as the canonical JSON that was hashed. */
    record: text().notNull(),
    prevHash: text("prev_hash").notNull(),
    hash: text().notNull(),
    id: text().generatedAlwaysAs(ofRecord("$.id"), { mode: "virtual" }),
    action: text().generatedAlwaysAs(ofRecord("$.action"), { mode: "virtual" }),
    actor: text().generatedAlwaysAs(ofRecord("$.actor.id"), { mode: "virtual" }),
    resource: text().generatedAlwaysAs(
      sql.raw(`json_extract("record", '$.resource.type') || ':' || json_extract("record", '$.resource.id')`),
      { mode: "virtual" },
    ),
  },
  (table) => [
    primaryKey({ columns: [table.workspaceId, table.seq] }),
    uniqueIndex("audit_id").on(table.id),
    index("audit_time").on(table.workspaceId, table.atMs, table.seq),
    index("audit_action").on(table.workspaceId, table.action, table.seq),
    index("audit_actor").on(table.workspaceId, table.actor, table.seq),
    index("audit_resource").on(table.workspaceId, table.resource, table.seq),
  ],
);

/** Other systems that belong to this deployment. */
export const platforms = sqliteTable("platforms", {
  id: text().primaryKey(),
  name: text().notNull(),
  slug: text().notNull().unique(),
  type: text().notNull(),
  status: text({ enum: ["active", "inactive", "maintenance"] }).notNull(),
  capabilities: text({ mode: "json" }).notNull(),
  deployTarget: text("deploy_target"),
  description: text(),
  version: integer().notNull().default(1),
  createdAtMs: integer("created_at_ms").notNull(),
  updatedAtMs: integer("updated_at_ms").notNull(),
});

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
  price: text({ mode: "json" }),
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
