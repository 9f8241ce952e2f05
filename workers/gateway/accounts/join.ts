import { hashToken, isTokenForm } from "../../../shared/auth/tokens.ts";
import type { Membership } from "../../../shared/contracts/accounts.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Run } from "../run.ts";
import type { UserRow } from "../store/users.ts";
import { entryOf } from "../admin/audit-entry.ts";

/** An invitation that is good: where it leads, as what, and for whom alone, if that is said. */
export type OpenInvite = {
  readonly hash: string;
  readonly workspace: Membership;
  readonly email: string | null;
};

/** All that is wrong with an invitation is one failure: it tells nothing of whom it is for. */
export const BAD_INVITE: Failure = {
  kind: "invalid_request",
  code: "invalid_invite",
  message: "This invitation is not good, or no longer, or not for you. Ask for a new one.",
};

/** An invitation by its token, if it is good for this address now. */
export async function findInvite(run: Run, token: string, email: string): Promise<OpenInvite | undefined> {
  if (!isTokenForm("invite", token)) return undefined;
  const { accounts, now } = run.ports;
  const invite = await accounts.tokens.find("invite", await hashToken(token), now());
  if (!invite?.workspaceId || !invite.role) return undefined;
  if (invite.email !== null && invite.email !== email) return undefined;
  const workspace = await accounts.workspaces.get(invite.workspaceId);
  if (!workspace) return undefined;
  const { id, name, operator } = workspace;
  return { hash: invite.hash, email: invite.email, workspace: { id, name, operator, role: invite.role } };
}

/** Takes somebody who has an account into the workspace that an invitation leads to. */
export async function joinByInvite(
  run: Run,
  user: UserRow,
  token: string,
): Promise<Result<Membership, Failure>> {
  const invite = await findInvite(run, token, user.email);
  if (!invite) return err(BAD_INVITE);
  const { workspace, hash } = invite;
  const entry = entryOf(run, {
    workspaceId: workspace.id,
    actor: { kind: "user", id: user.id },
    action: "member.add",
    resource: { type: "user", id: user.id },
    details: { role: workspace.role, by: "invite" },
  });
  const member = { workspaceId: workspace.id, userId: user.id, role: workspace.role, inviteHash: hash };
  const joined = await run.ports.accounts.workspaces.join(entry, member, run.ports.now());
  if (joined === "used") return err(BAD_INVITE);
  if (joined === "member")
    return err({ kind: "conflict", message: "You are a member of this workspace already." });
  return ok(workspace);
}
