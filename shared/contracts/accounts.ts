import { z } from "zod";
import { Role } from "../auth/permissions.ts";
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "../auth/password-rule.ts";

/** An address that a person is known by. Nothing is sent to it, so that its form is all that is asked of it. */
export const Email = z
  .string()
  .max(254)
  .regex(/^[!-?A-~\u00a1-\uffff]+@[!-?A-~\u00a1-\uffff]+$/, "is an e-mail address")
  .meta({ example: "ada@example.com" });

/** A password that is being set. Its rules are in `checkPassword`; this only bounds what is read. */
const NewPassword = z
  .string()
  .max(1_000)
  .meta({
    description: `${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX} characters of any kind, and not the e-mail address.`,
    example: "correct horse battery staple",
  });
const KnownPassword = z.string().max(1_000).meta({ example: "correct horse battery staple" });
const Token = z.string().max(200);
const InviteToken = Token.meta({ description: "The token of an invitation.", example: "einv_…" });
const PersonName = z.string().trim().min(1).max(100).meta({ example: "Ada" });

export const SignupRequest = z
  .strictObject({
    email: Email,
    password: NewPassword,
    name: PersonName.optional(),
    inviteToken: InviteToken.optional(),
  })
  .meta({ id: "SignupRequest" });

export const LoginRequest = z
  .strictObject({
    email: Email,
    password: KnownPassword,
    workspaceId: z
      .string()
      .optional()
      .meta({ description: "Which of your workspaces; the one you have been in for longest when absent." }),
    inviteToken: InviteToken.optional(),
  })
  .meta({ id: "LoginRequest" });

export const RefreshRequest = z
  .strictObject({ refreshToken: Token.meta({ example: "ert_…" }) })
  .meta({ id: "RefreshRequest" });

export const LogoutRequest = z
  .strictObject({
    everywhere: z.boolean().optional().meta({ description: "All of your sessions, not this one alone." }),
  })
  .meta({ id: "LogoutRequest" });

export const PasswordChange = z
  .strictObject({ currentPassword: KnownPassword, newPassword: NewPassword })
  .meta({ id: "PasswordChange" });

export const ResetTokenRequest = z.strictObject({ email: Email }).meta({ id: "ResetTokenRequest" });

export const PasswordReset = z
  .strictObject({ token: Token.meta({ example: "epw_…" }), newPassword: NewPassword })
  .meta({ id: "PasswordReset" });

export const InviteAcceptance = z.strictObject({ token: InviteToken }).meta({ id: "InviteAcceptance" });

/** A person. */
export const User = z
  .object({
    id: z.string().meta({ example: "usr_4k2mVtQ9sXbL0aWcR7yE" }),
    email: z.string().meta({ example: "ada@example.com" }),
    name: z.string().meta({ example: "Ada" }),
    createdAtMs: z.int(),
  })
  .meta({ id: "User" });
export type User = z.infer<typeof User>;

/** A workspace as one of its members sees it. */
export const Membership = z
  .object({
    id: z.string().meta({ example: "ws_Z3xN8uGfT1oKpD5hJ6qB" }),
    name: z.string().meta({ example: "Home" }),
    role: Role.meta({ description: "What you are in it." }),
    operator: z.boolean().meta({ description: "Whether its admins run this platform." }),
  })
  .meta({ id: "Membership" });
export type Membership = z.infer<typeof Membership>;

/** What a sign-in gives. */
export const Session = z
  .object({
    object: z.literal("session"),
    accessToken: z.string().meta({
      description: "Send it in `Authorization: Bearer …`, as you would an API key.",
      example: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
    }),
    refreshToken: z.string().meta({
      description:
        "Good for one more session answer, once, for 30 days. Presented a second time it ends the session.",
      example: "ert_…",
    }),
    expiresInS: z.int().meta({ description: "Seconds that the access token is good for.", example: 900 }),
    user: User,
    workspace: Membership,
  })
  .meta({ id: "Session" });
export type Session = z.infer<typeof Session>;

/** Who is asking. */
export const Me = z
  .object({
    object: z.literal("me"),
    user: User,
    workspace: Membership.meta({ description: "The one that this session is in." }),
    workspaces: z.array(Membership),
  })
  .meta({ id: "Me" });
export type Me = z.infer<typeof Me>;

/** What has been ended. */
export const LoggedOut = z
  .object({ object: z.literal("logout"), everywhere: z.boolean() })
  .meta({ id: "LoggedOut" });
export type LoggedOut = z.infer<typeof LoggedOut>;

/** A new password is set. */
export const PasswordSet = z
  .object({
    object: z.literal("password"),
    changed: z.literal(true),
    sessionsEnded: z.enum(["others", "all"]).meta({ description: "Which sessions this has ended." }),
  })
  .meta({ id: "PasswordSet" });
export type PasswordSet = z.infer<typeof PasswordSet>;

/** A token by which somebody can set a new password. */
export const ResetToken = z
  .object({
    object: z.literal("password_reset_token"),
    token: z.string().meta({
      description: "Shown this once. Nothing is sent: hand it to the person by a way that you trust.",
      example: "epw_…",
    }),
    expiresAtMs: z.int(),
    user: User,
  })
  .meta({ id: "ResetToken" });
export type ResetToken = z.infer<typeof ResetToken>;

/** A workspace that was joined. */
export const Joined = z
  .object({ object: z.literal("membership"), workspace: Membership })
  .meta({ id: "Joined" });
export type Joined = z.infer<typeof Joined>;
