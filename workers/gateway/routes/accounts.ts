import type { Route } from "../app.ts";
import { changePassword, createResetToken, resetPassword } from "./auth-password.ts";
import { signup } from "./auth-signup.ts";
import * as users from "./admin-users.ts";
import * as auth from "./auth.ts";
import * as invites from "./invites.ts";
import * as members from "./members.ts";
import * as workspaces from "./workspaces.ts";

/** People: how they come in, and what they belong to. What each route accepts and gives is in `openapi-accounts.ts`. */
export const ACCOUNT_ROUTES: readonly Route[] = [
  ["post", "/auth/signup", "public", signup],
  ["post", "/auth/login", "public", auth.login],
  ["post", "/auth/refresh", "public", auth.refresh],
  ["post", "/auth/password/reset", "public", resetPassword],
  ["post", "/auth/logout", "account:own", auth.logout],
  ["get", "/auth/me", "account:own", auth.me],
  ["post", "/auth/invites/accept", "account:own", auth.acceptInvite],
  ["post", "/auth/password", "account:own", changePassword],
  ["post", "/auth/password/reset-token", "accounts:any", createResetToken],
  ["get", "/api/v1/workspaces", "workspace:read", workspaces.listWorkspaces],
  ["post", "/api/v1/workspaces", "accounts:any", workspaces.createWorkspace],
  ["get", "/api/v1/workspaces/:id", "workspace:read", workspaces.getWorkspace],
  ["patch", "/api/v1/workspaces/:id", "workspace:manage", workspaces.patchWorkspace],
  ["post", "/api/v1/workspaces/:id/leave", "account:own", members.leaveWorkspace],
  ["get", "/api/v1/workspaces/:id/members", "workspace:manage", members.listMembers],
  ["patch", "/api/v1/workspaces/:id/members/:userId", "workspace:manage", members.patchMember],
  ["delete", "/api/v1/workspaces/:id/members/:userId", "workspace:manage", members.deleteMember],
  ["get", "/api/v1/workspaces/:id/invites", "workspace:manage", invites.listInvites],
  ["post", "/api/v1/workspaces/:id/invites", "workspace:manage", invites.createInvite],
  ["delete", "/api/v1/workspaces/:id/invites/:inviteId", "workspace:manage", invites.deleteInvite],
  ["get", "/admin/users", "accounts:any", users.listUsers],
  ["post", "/admin/users", "accounts:any", users.createUser],
  ["patch", "/admin/users/:id", "accounts:any", users.patchUser],
];
