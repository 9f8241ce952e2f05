import { z } from "zod";
import { Role } from "../auth/permissions.ts";
import { Email, Membership } from "./accounts.ts";
import { Limits } from "./limits.ts";
import { patchShape } from "./merge-patch.ts";

const WorkspaceName = z.string().trim().min(1).max(100).meta({ example: "Research" });

export const WorkspaceCreate = z
  .strictObject({ name: WorkspaceName, limits: Limits.optional() })
  .meta({ id: "WorkspaceCreate" });

/** A JSON merge patch: absent members stay, null removes a limit. */
export const WorkspacePatch = z
  .strictObject({
    name: WorkspaceName.optional(),
    limits: z.strictObject(patchShape(Limits.shape)).nullish().meta({ description: "By operators alone." }),
  })
  .meta({ id: "WorkspacePatch" });

/** A workspace: the owner of keys, members and usage. */
export const Workspace = z
  .object({
    object: z.literal("workspace"),
    id: z.string().meta({ example: "ws_Z3xN8uGfT1oKpD5hJ6qB" }),
    name: z.string(),
    operator: z.boolean().meta({ description: "Whether its admins run this platform." }),
    limits: Limits.nullable().meta({ description: "What all of its keys together may use." }),
    version: z.int(),
    createdAtMs: z.int(),
  })
  .meta({ id: "Workspace" });
export type Workspace = z.infer<typeof Workspace>;

/** A workspace in a list. */
export const ListedWorkspace = Workspace.extend({
  role: Role.nullable().meta({ description: "What you are in it; null where you are no member." }),
}).meta({ id: "ListedWorkspace" });

export const WorkspaceList = z
  .object({
    object: z.literal("list"),
    data: z.array(ListedWorkspace),
    hasMore: z.boolean().meta({ description: "Whether there are more behind the last, for `after`." }),
  })
  .meta({ id: "WorkspaceList" });
export type WorkspaceList = z.infer<typeof WorkspaceList>;

/** Somebody who belongs to a workspace. */
export const Member = z
  .object({
    object: z.literal("member"),
    userId: z.string().meta({ example: "usr_4k2mVtQ9sXbL0aWcR7yE" }),
    email: z.string().meta({ example: "ada@example.com" }),
    name: z.string(),
    role: Role,
    disabled: z.boolean().meta({ description: "Whether an operator lets them in no more." }),
    createdAtMs: z.int(),
  })
  .meta({ id: "Member" });
export type Member = z.infer<typeof Member>;

export const MemberList = z
  .object({ object: z.literal("list"), data: z.array(Member) })
  .meta({ id: "MemberList" });
export type MemberList = z.infer<typeof MemberList>;

export const MemberPatch = z.strictObject({ role: Role }).meta({ id: "MemberPatch" });

/** Longest that an invitation may stay open, in hours: 30 days. */
const INVITE_HOURS_MAX = 30 * 24;

export const InviteCreate = z
  .strictObject({
    role: Role,
    email: Email.optional().meta({
      description: "The only one who may use it; anybody who has it when absent.",
    }),
    expiresInHours: z
      .int()
      .min(1)
      .max(INVITE_HOURS_MAX)
      .optional()
      .meta({ description: "7 days when absent." }),
  })
  .meta({ id: "InviteCreate" });

/** An invitation that is open. */
export const Invite = z
  .object({
    object: z.literal("invite"),
    id: z.string().meta({ example: "inv_J6qBZ3xN8uGfT1oKpD5h" }),
    role: Role,
    email: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdAtMs: z.int(),
    expiresAtMs: z.int(),
  })
  .meta({ id: "Invite" });
export type Invite = z.infer<typeof Invite>;

export const NewInvite = Invite.extend({
  token: z.string().meta({
    description: "Shown this once. Nothing is sent: hand it to the person by a way that you trust.",
    example: "einv_…",
  }),
}).meta({ id: "NewInvite" });
export type NewInvite = z.infer<typeof NewInvite>;

export const InviteList = z
  .object({ object: z.literal("list"), data: z.array(Invite) })
  .meta({ id: "InviteList" });
export type InviteList = z.infer<typeof InviteList>;

/** An account as operators see it. */
export const Account = z
  .object({
    object: z.literal("user"),
    id: z.string().meta({ example: "usr_4k2mVtQ9sXbL0aWcR7yE" }),
    email: z.string().meta({ example: "ada@example.com" }),
    name: z.string(),
    disabled: z.boolean(),
    createdAtMs: z.int(),
    workspaces: z.array(Membership),
  })
  .meta({ id: "Account" });
export type Account = z.infer<typeof Account>;

export const AccountList = z
  .object({
    object: z.literal("list"),
    data: z.array(Account),
    hasMore: z.boolean().meta({ description: "Whether there are more behind the last, for `after`." }),
  })
  .meta({ id: "AccountList" });
export type AccountList = z.infer<typeof AccountList>;

export const AccountCreate = z
  .strictObject({
    email: Email,
    name: z.string().trim().min(1).max(100).optional(),
    role: Role.optional().meta({ description: "In the operators' workspace; `admin` when absent." }),
    password: z.string().max(1_000).optional().meta({ description: "One is made when absent." }),
  })
  .meta({ id: "AccountCreate" });

export const NewAccount = Account.extend({
  password: z.string().optional().meta({ description: "The one that was made; shown this once." }),
}).meta({ id: "NewAccount" });
export type NewAccount = z.infer<typeof NewAccount>;

export const AccountPatch = z
  .strictObject({ disabled: z.boolean().meta({ description: "Whether they may sign in no more." }) })
  .meta({ id: "AccountPatch" });
