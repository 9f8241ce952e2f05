import { and, desc, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { AuditLog, Statement } from "./audit.ts";
import { unlessViolated } from "./constraint.ts";
import { oneTimeTokens } from "./schema.ts";

type Db = DrizzleD1Database;

export type OneTimeToken = typeof oneTimeTokens.$inferSelect;

/** The column whose constraint a token violates that is used, or has ended. */
export const TOKEN_GUARD = "one_time_tokens.created_at_ms";

/** How long a token is kept behind its end, in milliseconds: whoever is about to use it must find that it is used. */
const KEPT_MS = 24 * 3_600_000;

/** Where tokens that are good once are kept. All methods throw when the store is out of reach. */
export type OneTimeTokenStore = {
  /** One that is good now, by its hash. */
  find(purpose: OneTimeToken["purpose"], hash: string, nowMs: number): Promise<OneTimeToken | undefined>;
  /** Makes one, and forgets those like it that have long ended. A new one for a password ends all others for it. */
  create(entry: AuditEntry, token: typeof oneTimeTokens.$inferInsert, nowMs: number): Promise<void>;
  /** The invitations into a workspace that are open, newest first. */
  invites(workspaceId: string, nowMs: number): Promise<OneTimeToken[]>;
  /** Ends an invitation; `gone` where it is used, or has ended. */
  end(entry: AuditEntry, invite: OneTimeToken, nowMs: number): Promise<"done" | "gone">;
};

/** Tokens in D1. */
export function d1OneTimeTokens(database: D1Database, audit: AuditLog): OneTimeTokenStore {
  const dbOf = () => drizzle(database);
  const isOpen = (nowMs: number) => and(isNull(oneTimeTokens.usedAtMs), gt(oneTimeTokens.expiresAtMs, nowMs));
  return {
    find: (purpose, hash, nowMs) =>
      dbOf()
        .select()
        .from(oneTimeTokens)
        .where(and(eq(oneTimeTokens.hash, hash), eq(oneTimeTokens.purpose, purpose), isOpen(nowMs)))
        .get(),
    create(entry, token, nowMs) {
      const db = dbOf();
      const others =
        token.purpose === "password_reset" && token.userId ? [endResets(db, token.userId, nowMs)] : [];
      return audit.commit(entry, [
        ...others,
        forgetEnded(db, token, nowMs),
        db.insert(oneTimeTokens).values(token),
      ]);
    },
    invites: (workspaceId, nowMs) =>
      dbOf()
        .select()
        .from(oneTimeTokens)
        .where(
          and(eq(oneTimeTokens.workspaceId, workspaceId), eq(oneTimeTokens.purpose, "invite"), isOpen(nowMs)),
        )
        .orderBy(desc(oneTimeTokens.createdAtMs))
        .all(),
    end: (entry, { hash }, nowMs) =>
      unlessViolated(audit.commit(entry, [useToken(dbOf(), hash, nowMs)]), { [TOKEN_GUARD]: "gone" }),
  };
}

/** The statement that deletes the tokens of a workspace and a user that have long ended. */
function forgetEnded(db: Db, { workspaceId, userId }: typeof oneTimeTokens.$inferInsert, nowMs: number) {
  const alike = or(
    workspaceId ? eq(oneTimeTokens.workspaceId, workspaceId) : undefined,
    userId ? eq(oneTimeTokens.userId, userId) : undefined,
  );
  return db.delete(oneTimeTokens).where(and(alike ?? sql`0`, lt(oneTimeTokens.expiresAtMs, nowMs - KEPT_MS)));
}

/** The statement that uses a token up. It ends its transaction where the token is used, or has ended. */
export function useToken(db: Db, hash: string, nowMs: number): Statement {
  const good = sql<number>`case when ${oneTimeTokens.usedAtMs} is null and ${oneTimeTokens.expiresAtMs} > ${nowMs} then ${oneTimeTokens.createdAtMs} end`;
  return db
    .update(oneTimeTokens)
    .set({ createdAtMs: good, usedAtMs: nowMs })
    .where(eq(oneTimeTokens.hash, hash));
}

/** The statement that ends all tokens for a user's password. */
export const endResets = (db: Db, userId: string, nowMs: number): Statement =>
  db
    .update(oneTimeTokens)
    .set({ usedAtMs: nowMs })
    .where(
      and(
        eq(oneTimeTokens.userId, userId),
        eq(oneTimeTokens.purpose, "password_reset"),
        isNull(oneTimeTokens.usedAtMs),
      ),
    );
