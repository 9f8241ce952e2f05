import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { apiKeys, memberships, workspaces } from "./schema.ts";

/** Whether there is somebody of this name who can have a ledger: a key, a workspace, or `user.workspace`. */
export async function hasLedger(database: D1Database, name: string): Promise<boolean> {
  const db = drizzle(database);
  if (name.startsWith("key_"))
    return (
      (await db.select({ id: apiKeys.id }).from(apiKeys).where(eq(apiKeys.id, name)).get()) !== undefined
    );
  if (name.startsWith("ws_"))
    return (
      (await db.select({ id: workspaces.id }).from(workspaces).where(eq(workspaces.id, name)).get()) !==
      undefined
    );
  const [userId = "", workspaceId = ""] = name.split(".");
  const members = await db
    .select({ workspaceId: memberships.workspaceId })
    .from(memberships)
    .where(eq(memberships.userId, userId));
  return members.some((each) => each.workspaceId === workspaceId);
}
