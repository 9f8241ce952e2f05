import { and, eq, inArray, isNull, lt, ne, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import { Principal } from "../../../shared/auth/principal.ts";
import type { Claims } from "../auth/access-token.ts";
import type { AuditLog, Statement } from "./audit.ts";
import { unlessViolated } from "./constraint.ts";
import { memberships, refreshTokens, sessions, users, workspaces } from "./schema.ts";

/** How long a session lasts when it is not used, in milliseconds. */
export const SESSION_MS = 30 * 24 * 3_600_000;

type Db = DrizzleD1Database;

/** A session that begins, with the hash of its first refresh token. */
export type NewSession = {
  readonly id: string;
  readonly userId: string;
  readonly workspaceId: string;
  readonly refreshHash: string;
};

/** A refresh token as it was found: whose it is, and what has become of it. */
export type FoundToken = {
  readonly sessionId: string;
  readonly used: boolean;
  /** Whether its session goes on, its user may sign in, and belongs to the workspace still. */
  readonly live: boolean;
  readonly user: typeof users.$inferSelect;
  readonly workspace: { readonly id: string; readonly name: string; readonly operator: boolean };
  /** Undefined where the user is no member of it any more. */
  readonly role: Role | undefined;
};

/** Where sign-ins are kept. All methods throw when the store is out of reach. */
export type SessionStore = {
  /** Who an access token is of, as things are now; undefined where its session, user or membership has ended. */
  principal(claims: Claims, nowMs: number): Promise<Principal | undefined>;
  open(entry: AuditEntry, session: NewSession, nowMs: number): Promise<void>;
  find(refreshHash: string, nowMs: number): Promise<FoundToken | undefined>;
  /** Puts a new refresh token in the place of one; `used` where another was faster, or the session has ended. */
  rotate(
    sessionId: string,
    hashes: { readonly old: string; readonly next: string },
    nowMs: number,
  ): Promise<"done" | "used">;
  /** Ends sessions. */
  end(entry: AuditEntry, which: Ending, nowMs: number): Promise<void>;
};

/** Which sessions end: one, or those of a user, in one workspace or all, perhaps but for one. */
export type Ending =
  | { readonly sessionId: string }
  | { readonly userId: string; readonly workspaceId?: string; readonly except?: string };

/** Sessions in D1. */
export function d1Sessions(database: D1Database, audit: AuditLog): SessionStore {
  const dbOf = () => drizzle(database);
  return {
    principal: (claims, nowMs) => findPrincipal(dbOf(), claims, nowMs),
    find: (hash, nowMs) => findToken(dbOf(), hash, nowMs),
    open: (entry, session, nowMs) => audit.commit(entry, openSession(dbOf(), session, nowMs)),
    end: (entry, which, nowMs) => audit.commit(entry, [endSessions(dbOf(), which, nowMs)]),
    rotate: (sessionId, hashes, nowMs) =>
      unlessViolated(rotate(dbOf(), sessionId, hashes, nowMs), {
        "refresh_tokens.created_at_ms": "used",
        "sessions.created_at_ms": "used",
      }),
  };
}

/** The statements that begin a session, and forget those of the user that have long ended. */
export function openSession(db: Db, session: NewSession, nowMs: number): Statement[] {
  const { refreshHash, ...row } = session;
  const old = db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, session.userId), lt(sessions.expiresAtMs, nowMs)));
  return [
    db.delete(refreshTokens).where(inArray(refreshTokens.sessionId, old)),
    db.delete(sessions).where(inArray(sessions.id, old)),
    db.insert(sessions).values({ ...row, createdAtMs: nowMs, expiresAtMs: nowMs + SESSION_MS }),
    db.insert(refreshTokens).values({ hash: refreshHash, sessionId: session.id, createdAtMs: nowMs }),
  ];
}

/** The statement that ends sessions. */
export function endSessions(db: Db, which: Ending, nowMs: number): Statement {
  const meant =
    "sessionId" in which
      ? eq(sessions.id, which.sessionId)
      : and(
          eq(sessions.userId, which.userId),
          which.workspaceId === undefined ? undefined : eq(sessions.workspaceId, which.workspaceId),
          which.except === undefined ? undefined : ne(sessions.id, which.except),
        );
  return db
    .update(sessions)
    .set({ revokedAtMs: nowMs })
    .where(and(meant, isNull(sessions.revokedAtMs)));
}

function rotate(
  db: Db,
  sessionId: string,
  { old, next }: { readonly old: string; readonly next: string },
  nowMs: number,
): Promise<unknown> {
  // A token that was used, or a session that was ended, has no time of creation in these: the whole batch fails.
  const unused = sql<number>`case when ${refreshTokens.usedAtMs} is null then ${refreshTokens.createdAtMs} end`;
  const going = sql<number>`case when ${sessions.revokedAtMs} is null then ${sessions.createdAtMs} end`;
  return db.batch([
    db.update(refreshTokens).set({ createdAtMs: unused, usedAtMs: nowMs }).where(eq(refreshTokens.hash, old)),
    db
      .update(sessions)
      .set({ createdAtMs: going, expiresAtMs: nowMs + SESSION_MS })
      .where(eq(sessions.id, sessionId)),
    db.insert(refreshTokens).values({ hash: next, sessionId, createdAtMs: nowMs }),
    // Whoever shows one of these is a stranger all the same; a session in daily use would keep thousands.
    db
      .delete(refreshTokens)
      .where(and(eq(refreshTokens.sessionId, sessionId), lt(refreshTokens.usedAtMs, nowMs - SESSION_MS))),
  ]);
}

async function findPrincipal(
  db: Db,
  { sub, sid, ws, exp }: Claims,
  nowMs: number,
): Promise<Principal | undefined> {
  const row = await db
    .select({
      role: memberships.role,
      operator: workspaces.operator,
      limits: workspaces.limits,
      expiresAtMs: sessions.expiresAtMs,
      revokedAtMs: sessions.revokedAtMs,
      disabledAtMs: users.disabledAtMs,
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(workspaces, eq(workspaces.id, sessions.workspaceId))
    .innerJoin(memberships, isMember())
    .where(and(eq(sessions.id, sid), eq(sessions.userId, sub), eq(sessions.workspaceId, ws)))
    .get();
  if (!row || row.revokedAtMs !== null || row.disabledAtMs !== null || row.expiresAtMs <= nowMs)
    return undefined;
  return Principal.parse({
    kind: "user",
    id: sub,
    workspaceId: ws,
    operator: row.operator,
    role: row.role,
    scopes: null,
    models: null,
    origins: null,
    ips: null,
    limits: null,
    workspaceLimits: row.limits,
    priority: null,
    version: 1,
    expiresAtMs: exp * 1000,
  });
}

const isMember = () =>
  and(eq(memberships.userId, sessions.userId), eq(memberships.workspaceId, sessions.workspaceId));

async function findToken(db: Db, hash: string, nowMs: number): Promise<FoundToken | undefined> {
  const row = await db
    .select({
      token: refreshTokens,
      session: sessions,
      user: users,
      workspace: workspaces,
      role: memberships.role,
    })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(users, eq(users.id, sessions.userId))
    .innerJoin(workspaces, eq(workspaces.id, sessions.workspaceId))
    .leftJoin(memberships, isMember())
    .where(eq(refreshTokens.hash, hash))
    .get();
  if (!row) return undefined;
  const { token, session, user, workspace, role } = row;
  return {
    sessionId: session.id,
    used: token.usedAtMs !== null,
    live:
      session.revokedAtMs === null &&
      session.expiresAtMs > nowMs &&
      user.disabledAtMs === null &&
      role !== null,
    user,
    workspace,
    role: role ?? undefined,
  };
}
