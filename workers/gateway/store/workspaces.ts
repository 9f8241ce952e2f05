import { and, asc, eq, gt, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { AuditEntry } from "../../../shared/audit/entry.ts";
import type { Role } from "../../../shared/auth/permissions.ts";
import { Limits } from "../../../shared/contracts/limits.ts";
import type { AuditLog, Statement } from "./audit.ts";
import { unlessViolated } from "./constraint.ts";
import { TOKEN_GUARD, useToken } from "./one-time-tokens.ts";
import { memberships, users, workspaces } from "./schema.ts";
import { endSessions } from "./sessions.ts";

type Db = DrizzleD1Database;

/** A workspace as it is kept. */
export type WorkspaceRow = Omit<typeof workspaces.$inferSelect, "limits"> & {
  readonly limits: Limits | null;
};

/** A member of a workspace. */
export type MemberRow = {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly disabledAtMs: number | null;
  readonly createdAtMs: number;
};

/** What becomes of a workspace whose version is the one that was read. */
export type WorkspaceChange = {
  readonly id: string;
  readonly version: number;
  readonly name: string;
  readonly limits: Limits | null;
};

/** So many of a list, behind the one with this id; an empty one is before all. */
type Page = { readonly after: string; readonly limit: number };
type Place = { readonly workspaceId: string; readonly userId: string };

/** Where workspaces and their members are kept. All methods throw when the store is out of reach. */
export type WorkspaceStore = {
  get(id: string): Promise<WorkspaceRow | undefined>;
  /** A page of those that a user belongs to, and as what, by id. */
  ofUser(userId: string, page: Page): Promise<(WorkspaceRow & { readonly role: Role })[]>;
  /** A page of all that there are, by id, and what a user is in each. */
  list(userId: string, page: Page): Promise<(WorkspaceRow & { readonly role: Role | null })[]>;
  create(
    entry: AuditEntry,
    workspace: { id: string; name: string; limits: Limits | null },
    nowMs: number,
  ): Promise<void>;
  /** Takes its version on by one; `overtaken` where that is another by now. */
  change(entry: AuditEntry, change: WorkspaceChange): Promise<"done" | "overtaken">;
  members(workspaceId: string): Promise<MemberRow[]>;
  member(place: Place): Promise<MemberRow | undefined>;
  /** Takes somebody in, by an invitation. */
  join(
    entry: AuditEntry,
    member: Place & { role: Role; inviteHash: string },
    nowMs: number,
  ): Promise<"done" | "used" | "member">;
  /** Gives a member another role; `last` where nobody would be left who can manage the workspace. */
  setRole(entry: AuditEntry, place: Place, role: Role): Promise<"done" | "last">;
  /** Removes a member, whose sessions in it end. Likewise. */
  remove(entry: AuditEntry, place: Place, nowMs: number): Promise<"done" | "last">;
};

/** Workspaces in D1. */
export function d1Workspaces(database: D1Database, audit: AuditLog): WorkspaceStore {
  const dbOf = () => drizzle(database);
  const last = { "memberships.role": "last" } as const;
  return {
    async get(id) {
      const row = await dbOf().select().from(workspaces).where(eq(workspaces.id, id)).get();
      return row && readRow(row);
    },
    async ofUser(userId, { after, limit }) {
      const rows = await dbOf()
        .select({ workspace: workspaces, role: memberships.role })
        .from(memberships)
        .innerJoin(workspaces, eq(workspaces.id, memberships.workspaceId))
        .where(and(eq(memberships.userId, userId), gt(memberships.workspaceId, after)))
        .orderBy(asc(memberships.workspaceId))
        .limit(limit)
        .all();
      return rows.map(({ workspace, role }) => ({ ...readRow(workspace), role }));
    },
    async list(userId, { after, limit }) {
      const isMember = and(eq(memberships.workspaceId, workspaces.id), eq(memberships.userId, userId));
      const rows = await dbOf()
        .select({ workspace: workspaces, role: memberships.role })
        .from(workspaces)
        .leftJoin(memberships, isMember)
        .where(gt(workspaces.id, after))
        .orderBy(asc(workspaces.id))
        .limit(limit)
        .all();
      return rows.map(({ workspace, role }) => ({ ...readRow(workspace), role }));
    },
    create: (entry, workspace, nowMs) =>
      audit.commit(entry, [
        dbOf()
          .insert(workspaces)
          .values({ ...workspace, createdAtMs: nowMs }),
      ]),
    change: (entry, { id, version, name, limits }) =>
      unlessViolated(
        audit.commit(entry, [
          dbOf()
            .update(workspaces)
            .set({
              name,
              limits,
              version: sql`case when ${workspaces.version} = ${version} then ${version + 1} end`,
            })
            .where(eq(workspaces.id, id)),
        ]),
        { "workspaces.version": "overtaken" },
      ),
    members: (workspaceId) =>
      selectMembers(dbOf())
        .where(eq(memberships.workspaceId, workspaceId))
        .orderBy(asc(memberships.userId))
        .all(),
    member: (place) => selectMembers(dbOf()).where(isAt(place)).get(),
    join(entry, { inviteHash, ...member }, nowMs) {
      const db = dbOf();
      return unlessViolated(
        audit.commit(entry, [
          useToken(db, inviteHash, nowMs),
          db.insert(memberships).values({ ...member, createdAtMs: nowMs }),
        ]),
        { [TOKEN_GUARD]: "used", "memberships.workspace_id": "member" },
      );
    },
    setRole: (entry, place, role) =>
      unlessViolated(audit.commit(entry, [changeRole(dbOf(), place, role)]), last),
    remove(entry, place, nowMs) {
      const db = dbOf();
      return unlessViolated(
        audit.commit(entry, [
          // Nobody who is leaving may be the last; as a viewer one is not.
          changeRole(db, place, "viewer"),
          db.delete(memberships).where(isAt(place)),
          endSessions(db, place, nowMs),
        ]),
        last,
      );
    },
  };
}

/** What cannot be read is no limit that anybody set: it is better to fail than to let everything through. */
const readRow = (row: typeof workspaces.$inferSelect): WorkspaceRow => ({
  ...row,
  limits: row.limits === null ? null : Limits.parse(row.limits),
});

const selectMembers = (db: Db) =>
  db
    .select({
      userId: users.id,
      email: users.email,
      name: users.name,
      role: memberships.role,
      disabledAtMs: users.disabledAtMs,
      createdAtMs: memberships.createdAtMs,
    })
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId));

const isAt = ({ workspaceId, userId }: Place) =>
  and(eq(memberships.workspaceId, workspaceId), eq(memberships.userId, userId));

/** Gives a role; there is none to give, which ends the transaction, where no other admin who can sign in would be left. */
function changeRole(db: Db, place: Place, role: Role): Statement {
  const others = sql`exists (select 1 from memberships other join users on users.id = other.user_id
    where other.workspace_id = ${place.workspaceId} and other.user_id <> ${place.userId}
    and other.role = 'admin' and users.disabled_at_ms is null)`;
  const allowed = sql<Role>`case when ${role} = 'admin' or ${memberships.role} <> 'admin' or ${others} then ${role} end`;
  return db.update(memberships).set({ role: allowed }).where(isAt(place));
}
