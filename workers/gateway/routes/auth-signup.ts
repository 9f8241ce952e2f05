import type { Context } from "hono";
import { checkPassword, normalEmail } from "../../../shared/auth/password-rule.ts";
import { type Session, SignupRequest } from "../../../shared/contracts/accounts.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { entryOf } from "../admin/audit-entry.ts";
import { type OpenInvite, findInvite } from "../accounts/join.ts";
import { newId, newSession } from "../accounts/session.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { UserRow } from "../store/users.ts";

const CLOSED: Failure = {
  kind: "forbidden",
  message: "Nobody can sign up here. Ask an operator for an account.",
};

/**
 * One answer for an address that has an account and for an invitation that is not good. Where somebody can sign up at
 * once, and no message is sent to the address, it cannot be hidden for ever that an address is taken: but it can be found
 * out only by making accounts of all that are not, five an hour, or with invitations.
 */
const REFUSED: Failure = {
  kind: "conflict",
  message:
    "This sign-up cannot be done. If you have an account, sign in; an invitation can be given along with that as `inviteToken`. Otherwise ask for a new invitation.",
};

/** `POST /auth/signup` */
export async function signup(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const { SIGNUP_POLICY } = run.ports.config;
  if (SIGNUP_POLICY === "closed") return answer(run, err(CLOSED));
  const body = await readChecked(c, SignupRequest);
  if (!body.ok) return answer(run, body);
  const { email, password, name, inviteToken } = body.value;
  const address = normalEmail(email);
  const checked = checkPassword(password, address);
  if (!checked.ok) return answer(run, checked);
  if (SIGNUP_POLICY === "invite" && inviteToken === undefined)
    return answer(run, err({ kind: "forbidden", message: "Signing up needs an invitation: `inviteToken`." }));
  const person = { email: address, name: name ?? address.split("@")[0] ?? address, password: checked.value };
  const signed = await fromStore(run, () => signUp(run, person, inviteToken));
  return answer(run, signed.ok ? signed.value : signed, { status: 201 });
}

type Person = { readonly email: string; readonly name: string; readonly password: string };

async function signUp(
  run: Run,
  { email, name, password }: Person,
  inviteToken: string | undefined,
): Promise<Result<Session, Failure>> {
  const { ports } = run;
  // Hashed before anything is looked up: whatever the answer is, it takes as long.
  const passwordHash = await ports.passwords.hash(password);
  const invite = inviteToken === undefined ? undefined : await findInvite(run, inviteToken, email);
  if (inviteToken !== undefined && !invite) return err(REFUSED);
  const nowMs = ports.now();
  const id = newId(ports, "usr");
  const user = { id, email, name, passwordHash, disabledAtMs: null, createdAtMs: nowMs, updatedAtMs: nowMs };
  const created = await create(run, user, invite, nowMs);
  return created.ok ? created : err(REFUSED);
}

async function create(
  run: Run,
  user: UserRow,
  invite: OpenInvite | undefined,
  nowMs: number,
): Promise<Result<Session, "taken" | "used">> {
  const { accounts, config } = run.ports;
  const own = { name: `${user.name}'s workspace`, limits: config.SIGNUP_LIMITS };
  const workspace = invite?.workspace ?? {
    id: newId(run.ports, "ws"),
    name: own.name,
    role: "admin",
    operator: false,
  };
  const session = await newSession(run.ports, { user, workspace });
  const entry = entryOf(run, {
    workspaceId: workspace.id,
    actor: { kind: "user", id: user.id },
    action: "user.signup",
    resource: { type: "user", id: user.id },
    details: { by: invite ? "invite" : "open", role: workspace.role },
  });
  const made = {
    user,
    workspaceId: workspace.id,
    role: workspace.role,
    session: session.row,
    ...(invite ? { inviteHash: invite.hash } : { workspace: own }),
  };
  const created = await accounts.users.create(entry, made, nowMs);
  return created === "done" ? ok(session.answer) : err(created);
}
