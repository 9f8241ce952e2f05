import type { Context } from "hono";
import { may } from "../../../shared/auth/permissions.ts";
import type { Principal } from "../../../shared/auth/principal.ts";
import { USAGE_AMOUNTS, type UsageReport } from "../../../shared/contracts/usage.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, ok } from "../../../shared/kernel/result.ts";
import { csvOf } from "../../../shared/usage/csv.ts";
import { encodeCursor } from "../../../shared/usage/cursor.ts";
import { hourText } from "../../../shared/usage/period.ts";
import { type UsageQuery, readUsageQuery } from "../../../shared/usage/query.ts";
import { answer, fromStore } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import { idHeaders } from "../http/answer-headers.ts";
import { failureResponse } from "../http/failure-response.ts";
import type { Run } from "../run.ts";
import type { UsageFound } from "../store/usage-query.ts";
import type { UsageScope } from "../store/usage-statements.ts";

type C = Context<AppEnv>;

/** How old what the keys' objects have not written yet can be, in milliseconds. */
const LAG_MS = 30_000;

/** `GET /api/v1/usage`: what the caller's workspace used, or their own part of it. */
export const ownUsage = (c: C): Promise<Response> => serve(c, scopeOf);

/** `GET /admin/usage`: what all workspaces used. */
export const allUsage = (c: C): Promise<Response> => serve(c, () => ({}));

/**
 * What a caller may see: admins all of their workspace, others their own. It is the role that counts: an admin's key that
 * was cut down to reading usage is for reading all of it.
 */
function scopeOf({ kind, id, workspaceId, ...subject }: Principal): UsageScope {
  const whole = may({ kind, ...subject, scopes: null }, "keys:any");
  return whole ? { workspaceId } : { workspaceId, own: { kind, id } };
}

async function serve(c: C, scopeFor: (principal: Principal) => UsageScope): Promise<Response> {
  const { run } = c.env;
  run.operation = "usage";
  const { principal, ports } = run;
  if (!principal) return failureResponse(run, { kind: "missing_key" });
  const url = new URL(c.req.url);
  const asked = readUsageQuery(url.searchParams, c.req.header("accept") ?? null, ports.now());
  if (!asked.ok) return answer(run, asked);
  const { query, format } = asked.value;
  const scope = scopeFor(principal);
  const foreign = foreignWorkspace(scope, query);
  if (foreign) return failureResponse(run, foreign);
  const found = await read(run, principal, scope, query);
  if (!found.ok) return answer(run, found);
  const report = reportOf(query, found.value);
  const headers = { "cache-control": "no-store", vary: "accept", ...linkTo(url, report.next) };
  if (format === "json") return answer(run, ok(report), { headers });
  return new Response(asCsv(report), {
    headers: {
      ...headers,
      ...idHeaders(run),
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="usage-${report.from.slice(0, 10)}-${report.to.slice(0, 10)}.csv"`,
    },
  });
}

function foreignWorkspace({ workspaceId }: UsageScope, { only }: UsageQuery): Failure | undefined {
  if (workspaceId === undefined || only.workspace === undefined || only.workspace === workspaceId)
    return undefined;
  const message = "This is another workspace's usage: operators see it at GET /admin/usage.";
  return { kind: "forbidden", message };
}

type Read = UsageFound & { readonly asOfMs: number };

/** Reads usage, of one key with what its object has not written yet: of all keys there would be too many to ask. */
async function read(
  run: Run,
  principal: Principal,
  scope: UsageScope,
  query: UsageQuery,
): Promise<Result<Read, Failure>> {
  const { ports } = run;
  const { key } = query.only;
  return fromStore(run, async () => {
    const id = key ?? (principal.kind === "key" ? principal.id : undefined);
    // Only keys that there are have an object: asking for another would make one.
    const told = id !== undefined && (id === principal.id || (await ports.usage.hasKey(scope, id)));
    const fresh = told && (await flush(run, id));
    const nowMs = ports.now();
    const found = await ports.usage.find(scope, query);
    const isAll = fresh && (key ?? scope.own?.id) === id;
    return { ...found, asOfMs: isAll ? nowMs : nowMs - LAG_MS };
  });
}

/** What is written will do where the key's object is out of reach: the answer says of when it is. */
const flush = (run: Run, keyId: string): Promise<boolean> =>
  run.ports.flushUsage([keyId]).then(
    () => true,
    (error: unknown) => {
      run.fail(error);
      return false;
    },
  );

function reportOf(query: UsageQuery, { lines, totals, hasMore, asOfMs }: Read): UsageReport {
  const { fromHour, toHour, groups } = query;
  const last = lines.at(-1);
  const after = groups.map((group) => last?.[group] ?? "");
  return {
    object: "usage",
    from: hourText(fromHour),
    to: hourText(toHour),
    groupBy: [...groups],
    asOf: new Date(asOfMs).toISOString(),
    data: [...lines],
    totals,
    hasMore,
    next: hasMore ? encodeCursor({ fromHour, toHour, groups: [...groups], after }) : null,
  };
}

/** Where the list goes on: https://www.rfc-editor.org/rfc/rfc8288. Of CSV there is no other place to say it. */
function linkTo(url: URL, next: string | null): Record<string, string> {
  if (next === null) return {};
  const parameters = new URLSearchParams(url.searchParams);
  for (const name of ["from", "to"]) parameters.delete(name);
  parameters.set("cursor", next);
  return { link: `<${url.pathname}?${parameters}>; rel="next"` };
}

const asCsv = ({ groupBy, data }: UsageReport): string => {
  const columns = [...groupBy, ...USAGE_AMOUNTS];
  return csvOf(
    columns,
    data.map((line) => columns.map((column) => line[column] ?? "")),
  );
};
