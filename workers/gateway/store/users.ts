import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import type { Membership } from "../../../shared/contracts/accounts.ts";
import type { Limits } from "../../../shared/contracts/limits.ts";
import type { AuditLog, Statement } from "./audit.ts";
import { unlessViolated } from "./constraint.ts";
import { TOKEN_GUARD, endResets, useToken } from "./one-time-tokens.ts";
import { memberships, users, workspaces } from "./schema.ts";
import { type NewSession, endSessions, openSession } from "./sessions.ts";

type Db = DrizzleD1Database;

export type UserRow = typeof users.$inferSelect;
/** A person, and the workspaces that they belong to. */
export type Person = { readonly user: UserRow; readonly workspaces: readonly Membership[] };

/** Somebody new: where they belong, what made that possible, and the session that they begin, if they do. */
export type NewUser = {
  readonly user: UserRow;
  readonly workspaceId: string;
  readonly role: Role;
  /** A workspace of their own, which is made along. */
  readonly workspace?: { readonly name: string; readonly limits: Limits };
  /** The invitation that is used up by it. */
  readonly inviteHash?: string;
  readonly session?: NewSession;
};

/** A new password, and what ends with the old one. */
export type NewPassword = {
  readonly userId: string;
  readonly hash: string;
  /** The token that is used up by it. */
  readonly tokenHash?: string;
  /** The session that goes on; all end when absent. */
  readonly exceptSession?: string;
};

/** Where people are kept. All methods throw when the store is out of reach. */
export type UserStore = {
  find(email: string): Promise<UserRow | undefined>;
  get(id: string): Promise<UserRow | undefined>;
  /** Those whom a user belongs to, the oldest membership first. */
  workspacesOf(userId: string): Promise<Membership[]>;
  /** A page of people, by id; of one workspace where it is named. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
    readonly operators: boolean;
  }): Promise<Person[]>;
  create(entry: AuditEntry, user: NewUser, nowMs: number): Promise<"done" | "taken" | "used">;
  setPassword(entry: AuditEntry, password: NewPassword, nowMs: number): Promise<"done" | "used">;
  /** Writes a hash anew that has become too cheap, if it is still the one. */
  rehash(userId: string, old: string, hash: string): Promise<void>;
  /** Lets somebody in no more, or again. */
  setDisabled(entry: AuditEntry, userId: string, disabled: boolean, nowMs: number): Promise<void>;
};

/** People in D1. */
export function d1Users(database: D1Database, audit: AuditLog): UserStore {
  const dbOf = () => drizzle(database);
  return {
    find: (email) => dbOf().select().from(users).where(eq(users.email, email)).get(),
    get: (id) => dbOf().select().from(users).where(eq(users.id, id)).get(),
    workspacesOf: async (userId) =>
      (await membershipsOf(dbOf(), [userId])).map(({ membership }) => membership),
    list: (page) => listPeople(dbOf(), page),
    create: (entry, user, nowMs) =>
      unlessViolated(audit.commit(entry, creation(dbOf(), user, nowMs)), {
        "users.email": "taken",
        [TOKEN_GUARD]: "used",
      }),
    setPassword: (entry, password, nowMs) =>
      unlessViolated(audit.commit(entry, passwordChange(dbOf(), password, nowMs)), { [TOKEN_GUARD]: "used" }),
    async rehash(userId, old, hash) {
      await dbOf()
        .update(users)
        .set({ passwordHash: hash })
        .where(and(eq(users.id, userId), eq(users.passwordHash, old)));
    },
    setDisabled(entry, userId, disabled, nowMs) {
      const db = dbOf();
      return audit.commit(entry, [
        db
          .update(users)
          .set({ disabledAtMs: disabled ? nowMs : null, updatedAtMs: nowMs })
          .where(eq(users.id, userId)),
        ...(disabled ? [endSessions(db, { userId }, nowMs)] : []),
      ]);
    },
  };
}

function creation(db: Db, { user, workspaceId, role, ...more }: NewUser, nowMs: number): Statement[] {
  const { workspace, inviteHash, session } = more;
  return [
    ...(inviteHash === undefined ? [] : [useToken(db, inviteHash, nowMs)]),
    db.insert(users).values(user),
    ...(workspace
      ? [db.insert(workspaces).values({ id: workspaceId, ...workspace, createdAtMs: nowMs })]
      : []),
    db.insert(memberships).values({ workspaceId, userId: user.id, role, createdAtMs: nowMs }),
    ...(session ? openSession(db, session, nowMs) : []),
  ];
}

function passwordChange(
  db: Db,
  { userId, hash, tokenHash, exceptSession }: NewPassword,
  nowMs: number,
): Statement[] {
  return [
    ...(tokenHash === undefined ? [] : [useToken(db, tokenHash, nowMs)]),
    db.update(users).set({ passwordHash: hash, updatedAtMs: nowMs }).where(eq(users.id, userId)),
    endResets(db, userId, nowMs),
    endSessions(db, { userId, ...(exceptSession !== undefined && { except: exceptSession }) }, nowMs),
  ];
}

async function membershipsOf(
  db: Db,
  userIds: readonly string[],
): Promise<{ userId: string; membership: Membership }[]> {
  const rows = await db
    .select({ userId: memberships.userId, role: memberships.role, workspace: workspaces })
    .from(memberships)
    .innerJoin(workspaces, eq(workspaces.id, memberships.workspaceId))
    .where(inArray(memberships.userId, [...userIds]))
    .orderBy(asc(memberships.createdAtMs), asc(memberships.workspaceId))
    .all();
  return rows.map(({ userId, role, workspace: { id, name, operator } }) => ({
    userId,
    membership: { id, name, role, operator },
  }));
}

async function listPeople(
  db: Db,
  {
    after = "",
    limit,
    operators,
  }: { readonly after?: string; readonly limit: number; readonly operators: boolean },
): Promise<Person[]> {
  const isOperator = sql`exists (select 1 from ${memberships} join ${workspaces} on ${workspaces.id} = ${memberships.workspaceId} where ${memberships.userId} = ${users.id} and ${workspaces.operator})`;
  const rows = await db
    .select()
    .from(users)
    .where(and(gt(users.id, after), operators ? isOperator : undefined))
    .orderBy(asc(users.id))
    .limit(limit)
    .all();
  if (rows.length === 0) return [];
  const belonging = await membershipsOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((user) => ({
    user,
    workspaces: belonging.filter(({ userId }) => userId === user.id).map(({ membership }) => membership),
  }));
}
