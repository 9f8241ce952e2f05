import type { D1Database } from "@cloudflare/workers-types";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Applies the migrations that the database has not seen, in order, and writes them down in wrangler's own table, so
 * that `wrangler d1 migrations list` agrees. Returns the names of those applied.
 */
export async function migrate(database: D1Database, folder: string): Promise<string[]> {
  await database
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const seen = new Set(
    (await database.prepare("SELECT name FROM d1_migrations").all<{ name: string }>()).results.map(
      ({ name }) => name,
    ),
  );
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql") && !seen.has(name)).toSorted();
  for (const name of files) {
    const sql = await readFile(join(folder, name), "utf8");
    const statements = sql.split("--> statement-breakpoint").filter((statement) => statement.trim() !== "");
    // One batch is one transaction: a migration is applied whole or not at all.
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
  return files;
}
