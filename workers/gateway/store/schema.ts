import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

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
