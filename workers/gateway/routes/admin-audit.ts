import type { Context } from "hono";
import { type Link, lineOf, shownOf } from "../../../shared/audit/chain.ts";
import type { ChainedRecord } from "../../../shared/audit/record.ts";
import { verify } from "../../../shared/audit/verify.ts";
import {
  AuditExportQuery,
  type AuditList,
  AuditListQuery,
  type AuditVerification,
  AuditVerifyQuery,
} from "../../../shared/contracts/admin-audit.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { answer, fromStore, readQuery } from "../admin/request.ts";
import type { AppEnv } from "../app-env.ts";
import { ndjsonResponse } from "../http/ndjson.ts";
import type { Run } from "../run.ts";

type C = Context<AppEnv>;

/** `GET /admin/audit`: what was done, the newest first. */
export async function listAudit(c: C): Promise<Response> {
  const { run } = c.env;
  const query = readQuery(c, AuditListQuery);
  if (!query.ok) return answer(run, query);
  const { workspace, action, actor, resource, from, to, before, limit } = query.value;
  const workspaceId = chainOf(run, workspace);
  if (!workspaceId.ok) return answer(run, workspaceId);
  const found = await fromStore(run, () =>
    run.ports.auditReader.find({
      workspaceId: workspaceId.value,
      action: action && `${action}*`,
      actor,
      resource: resource && (resource.includes(":") ? resource : `${resource}:*`),
      fromMs: from,
      toMs: to,
      beforeSeq: before,
      limit: limit + 1,
    }),
  );
  if (!found.ok) return answer(run, found);
  const page = found.value.slice(0, limit);
  const hasMore = found.value.length > limit;
  const data = page.map(recordOfLink);
  const next = hasMore ? (page.at(-1)?.seq ?? null) : null;
  return answer(run, ok({ object: "list", data, hasMore, next } satisfies AuditList));
}

/**
 * `GET /admin/audit/export`: the chain as lines of JSON, the oldest first, as it is verified without us. The end that it
 * has now is in a header: what is read must reach it.
 */
export async function exportAudit(c: C): Promise<Response> {
  const { run } = c.env;
  const query = readQuery(c, AuditExportQuery);
  if (!query.ok) return answer(run, query);
  const { workspace, from: fromMs, to: toMs } = query.value;
  const workspaceId = chainOf(run, workspace);
  if (!workspaceId.ok) return answer(run, workspaceId);
  const { auditReader } = run.ports;
  const head = await fromStore(run, () => auditReader.head(workspaceId.value));
  if (!head.ok) return answer(run, head);
  const { seq, hash } = head.value;
  return lines(run, auditReader.links(workspaceId.value, { fromMs, toMs }), `${seq}:${hash}`);
}

/** `GET /admin/audit/verify`: whether the whole chain is as it was written. */
export async function verifyAudit(c: C): Promise<Response> {
  const { run } = c.env;
  const query = readQuery(c, AuditVerifyQuery);
  if (!query.ok) return answer(run, query);
  const workspace = chainOf(run, query.value.workspace);
  if (!workspace.ok) return answer(run, workspace);
  const verdict = await fromStore(run, () => verify(run.ports.auditReader.links(workspace.value)));
  if (!verdict.ok) return answer(run, verdict);
  return answer(
    run,
    ok({
      object: "audit.verification",
      workspace: workspace.value,
      ...verdict.value,
    } satisfies AuditVerification),
  );
}

/** Whose chain a caller may read: that of their own workspace, and operators any. */
function chainOf({ principal }: Run, wanted: string | undefined): Result<string, Failure> {
  const own = principal?.workspaceId ?? "";
  if (wanted === undefined || wanted === own) return ok(own);
  if (principal?.operator) return ok(wanted);
  return err({ kind: "forbidden", message: "Only operators read the audit log of another workspace." });
}

/** A record that was tampered with may not be of any form: then what there is of it is shown. */
const recordOfLink = (link: Link): ChainedRecord => shownOf(link) as ChainedRecord;

/** Bytes of lines that are sent at once. */
const CHUNK_CHARS = 64 * 1024;

/** Sends links as lines, as they are read. Where reading fails the answer breaks off: it must not look like a whole one. */
function lines(run: Run, links: AsyncIterable<Link>, head: string): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const send = async () => {
    try {
      let text = "";
      for await (const link of links) {
        text += `${lineOf(link)}\n`;
        if (text.length < CHUNK_CHARS) continue;
        await writer.write(encoder.encode(text));
        text = "";
      }
      if (text !== "") await writer.write(encoder.encode(text));
      await writer.close();
    } catch (error) {
      run.fail(error);
      await writer.abort(error).catch(() => undefined);
    }
    run.finish(200);
  };
  run.streams();
  run.defer(send());
  return ndjsonResponse(run, readable, { "x-eco-audit-head": head });
}
