/** Who did something: a user, a key, or the platform by itself. */
export type Actor = { readonly kind: "user" | "key" | "system"; readonly id: string };

/** What the audit log is told of something that was done, or was refused. No prompt and no secret is ever part of it. */
export type AuditEntry = {
  readonly workspaceId: string;
  readonly actor: Actor;
  /** What was done, as noun and verb: `key.create`, `member.remove`, `engine.drain`. */
  readonly action: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly outcome: "pass" | "fail" | "denied" | "error";
  readonly requestId?: string | undefined;
  /** What changed, in small JSON values. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Its name and time where they are known already, so that it can be told twice and is there once. */
  readonly id?: string | undefined;
  readonly atMs?: number | undefined;
};
