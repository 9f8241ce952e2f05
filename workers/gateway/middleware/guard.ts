import type { Context } from "hono";
import { type Permission, isForOperators, whyForbidden } from "../../../shared/auth/permissions.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import { whyNotFromThere } from "../../../shared/auth/whence.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { addressOf } from "../accounts/throttled.ts";
import { noteDeed } from "../admin/audit-entry.ts";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";
import type { Run } from "../run.ts";
import { accessTokenOf } from "./authenticate-user.ts";

export type Handler = (c: Context<AppEnv>) => Promise<Response>;

/** What a route asks of its caller: a permission, to be known (it decides more for itself), or nothing. */
export type Access = Permission | "known" | "public";

/**
 * A handler that is reached by those alone who have the permission. Requests to models may rest on what an isolate
 * remembers of a key, for the key's own object has the last word on them; everything else looks the key up anew.
 */
export const guard = (access: Access, handler: Handler): Handler =>
  access === "public"
    ? handler
    : async (c) => {
        const { run } = c.env;
        if (access === "metrics:read" && run.ports.config.METRICS_PUBLIC) return handler(c);
        if (access === "engines:manage") run.operation = "admin";
        if (access === "account:own" || access === "accounts:any") run.operation = "accounts";
        const caller = await callerOf(run, { fresh: access !== "inference" });
        if (!caller.ok) return failureResponse(run, caller.error);
        run.principal = caller.value;
        const why = whyNot(run, caller.value, access);
        if (why !== undefined) {
          noteDenied(run, access);
          return failureResponse(run, { kind: "forbidden", message: why });
        }
        return handler(c);
      };

/** Why a caller may not do this, or not from here; undefined where it may. */
export const whyNot = (run: Run, caller: Principal, access: Permission | "known"): string | undefined =>
  whyNotHere(run, caller) ?? (access === "known" ? undefined : whyForbidden(caller, access));

/** Why a caller cannot be used from where the request comes from. Most are bound to no place, and pay nothing for it. */
function whyNotHere({ request, ports }: Run, { origins, ips }: Principal): string | undefined {
  if (!origins && !ips) return undefined;
  const origin = request.headers.get("origin");
  // Only Cloudflare's own header is believed: every other one is written by whoever asks.
  const address = request.headers.get("cf-connecting-ip") ?? ports.config.CLIENT_ADDRESS ?? null;
  return whyNotFromThere({ origins, ips }, { origin, address });
}

/** Time in which one caller's tries at one permission are one record, and for how many it is remembered. */
const DENIED_MS = 60_000;
const DENIED_MAX = 1_000;
const denied = new Map<string, number>();

/**
 * Writes down that somebody wanted to do what is for operators. Once a minute for each permission and isolate: whoever
 * tries all day must not fill the log, nor make the others wait.
 */
function noteDenied(run: Run, permission: Permission | "known"): void {
  const { principal, ports, request } = run;
  if (!principal || permission === "known" || !isForOperators(permission)) return;
  const nowMs = ports.now();
  const name = `${principal.id} ${permission}`;
  if ((denied.get(name) ?? 0) > nowMs) return;
  if (denied.size >= DENIED_MAX) denied.clear();
  denied.set(name, nowMs + DENIED_MS);
  const id = `${request.method} ${new URL(request.url).pathname}`.slice(0, 200);
  run.defer(
    noteDeed(run, {
      action: "access.refuse",
      resource: { type: "route", id },
      outcome: "denied",
      details: { permission },
    }),
  );
}

/** Whom a request is from. */
export async function callerOf(
  run: Run,
  lookup: { readonly fresh: boolean },
): Promise<Result<Principal, Failure>> {
  const { ports, request } = run;
  const authorization = request.headers.get("authorization");
  const token = accessTokenOf(authorization);
  try {
    if (token === undefined) {
      return await ports.authenticate(authorization, ports.keys(run.defer), ports.now(), {
        fresh: lookup.fresh,
        // Asked for only where a key is looked up.
        from: () => addressOf(run),
      });
    }
    const signedIn = await ports.authenticateUser(token, ports.now(), lookup);
    if (!signedIn.ok) return signedIn;
    run.sessionId = signedIn.value.sessionId;
    return ok(signedIn.value.principal);
  } catch {
    return err({ kind: "store_unavailable" });
  }
}
