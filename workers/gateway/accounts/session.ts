import { createToken, hashToken } from "../../../shared/auth/tokens.ts";
import type { Membership, Session, User } from "../../../shared/contracts/accounts.ts";
import { SessionId, UserId, WorkspaceId, randomBase62 } from "../../../shared/kernel/ids.ts";
import { ACCESS_TOKEN_S } from "../auth/access-token.ts";
import type { Ports } from "../ports.ts";
import type { NewSession } from "../store/sessions.ts";
import type { UserRow } from "../store/users.ts";

/** Somebody who begins or goes on with a session, and where. */
export type Who = { readonly user: UserRow; readonly workspace: Membership };

/** A new id with this prefix. */
export const newId = (ports: Ports, prefix: string): string =>
  `${prefix}_${randomBase62(20, ports.randomBytes)}`;

/** A person as answers show them. */
export const viewUser = ({ id, email, name, createdAtMs }: Omit<UserRow, "passwordHash">): User => ({
  id,
  email,
  name,
  createdAtMs,
});

/** A session that begins: what is stored of it, and what the person gets. */
export async function newSession(ports: Ports, who: Who): Promise<{ row: NewSession; answer: Session }> {
  const id = newId(ports, "ses");
  const { answer, refreshHash } = await nextTokens(ports, id, who);
  return { row: { id, userId: who.user.id, workspaceId: who.workspace.id, refreshHash }, answer };
}

/** The next tokens of a session, and the hash of the refresh token, which is all that is stored of it. */
export async function nextTokens(
  ports: Ports,
  sessionId: string,
  { user, workspace }: Who,
): Promise<{ answer: Session; refreshHash: string }> {
  const refreshToken = createToken("refresh", ports.randomBytes);
  const claims = {
    sub: UserId.parse(user.id),
    sid: SessionId.parse(sessionId),
    ws: WorkspaceId.parse(workspace.id),
  };
  const [accessToken, refreshHash] = await Promise.all([
    ports.accessTokens.issue(claims, ports.now()),
    hashToken(refreshToken),
  ]);
  const { id, name, role, operator } = workspace;
  return {
    refreshHash,
    answer: {
      object: "session",
      accessToken,
      refreshToken,
      expiresInS: ACCESS_TOKEN_S,
      user: viewUser(user),
      workspace: { id, name, role, operator },
    },
  };
}
