import type { Context } from "hono";
import { etagOf } from "../../../shared/contracts/if-match.ts";
import { mergePatch } from "../../../shared/contracts/merge-patch.ts";
import { invalidRequest } from "../../../shared/contracts/parse-body.ts";
import {
  type Platform,
  PlatformCreate,
  type PlatformDeleted,
  type PlatformList,
  PlatformListQuery,
  PlatformPatch,
} from "../../../shared/contracts/platforms.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { randomBase62 } from "../../../shared/kernel/ids.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { sameJson } from "../../../shared/models/engine-changes.ts";
import { type Deed, entryOf } from "../admin/audit-entry.ts";
import { answer, fromStore, readChecked, readQuery, versionOf } from "../admin/request.ts";
import type { Route } from "../app.ts";
import type { AppEnv } from "../app-env.ts";
import type { Run } from "../run.ts";
import type { PlatformOutcome } from "../store/platforms.ts";

type C = Context<AppEnv>;

const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));

/** How often a change is made anew, where others were faster and no version was named. */
const ATTEMPTS_MAX = 5;

/** `GET /api/v1/platforms` */
async function listPlatforms(c: C): Promise<Response> {
  const { run } = c.env;
  const query = readQuery(c, PlatformListQuery);
  if (!query.ok) return answer(run, query);
  const { limit } = query.value;
  const found = await fromStore(run, () => run.ports.platforms.list({ ...query.value, limit: limit + 1 }));
  if (!found.ok) return answer(run, found);
  const data = found.value.slice(0, limit);
  const hasMore = found.value.length > limit;
  const next = hasMore ? (data.at(-1)?.slug ?? null) : null;
  return answer(run, ok({ object: "list", data, hasMore, next } satisfies PlatformList));
}

/** `GET /api/v1/platforms/{id}`, by id or slug. */
async function getPlatform(c: C): Promise<Response> {
  return show(c.env.run, await find(c));
}

/** `POST /api/v1/platforms` */
async function createPlatform(c: C): Promise<Response> {
  const { run } = c.env;
  const body = await readChecked(c, PlatformCreate);
  if (!body.ok) return answer(run, body);
  const nowMs = run.ports.now();
  const id = `plt_${randomBase62(20, randomBytes)}`;
  const platform = platformFrom(body.value, { id, version: 1, createdAtMs: nowMs, updatedAtMs: nowMs });
  const deed = deedOf("create", platform, { slug: platform.slug, type: platform.type });
  const outcome = await fromStore(run, () => run.ports.platforms.create(platform, entryOf(run, deed)));
  if (!outcome.ok) return answer(run, outcome);
  return show(run, outcome.value === "done" ? ok(platform) : slugTaken(platform), 201);
}

/** `PATCH /api/v1/platforms/{id}` */
async function patchPlatform(c: C): Promise<Response> {
  const { run } = c.env;
  const patch = await readChecked(c, PlatformPatch);
  if (!patch.ok) return answer(run, patch);
  const changed = await change(c, async (before) => {
    const merged = PlatformCreate.safeParse(mergePatch(inputOf(before), patch.value));
    if (!merged.success) return err(invalidRequest(merged.error));
    const { version, id, createdAtMs } = before;
    const stamp = { id, version: version + 1, createdAtMs, updatedAtMs: run.ports.now() };
    const after = platformFrom(merged.data, stamp);
    if (sameJson(inputOf(after), inputOf(before))) return ok({ outcome: "done", platform: before });
    const entry = entryOf(
      run,
      deedOf("update", before, { changed: Object.keys(patch.value).toSorted(), version: stamp.version }),
    );
    return ok({ outcome: await run.ports.platforms.update(before, after, entry), platform: after });
  });
  return show(run, changed);
}

/** `DELETE /api/v1/platforms/{id}` */
async function deletePlatform(c: C): Promise<Response> {
  const { run } = c.env;
  const removed = await change(c, async (before) => {
    const entry = entryOf(run, deedOf("delete", before, { slug: before.slug }));
    return ok({ outcome: await run.ports.platforms.remove(before, entry), platform: before });
  });
  if (!removed.ok) return answer(run, removed);
  const { id } = removed.value;
  return answer(run, ok({ object: "platform", id, deleted: true } satisfies PlatformDeleted));
}

/** The routes of platforms. */
export const PLATFORM_ROUTES: readonly Route[] = [
  ["get", "/api/v1/platforms", "platforms:read", listPlatforms],
  ["post", "/api/v1/platforms", "platforms:write", createPlatform],
  ["get", "/api/v1/platforms/:id", "platforms:read", getPlatform],
  ["patch", "/api/v1/platforms/:id", "platforms:write", patchPlatform],
  ["delete", "/api/v1/platforms/:id", "platforms:write", deletePlatform],
];

type Changed = { readonly outcome: PlatformOutcome; readonly platform: Platform };

/** Changes what is there now, and again where somebody else was faster: unless the caller named the version they mean. */
async function change(
  c: C,
  make: (before: Platform) => Promise<Result<Changed, Failure>>,
): Promise<Result<Platform, Failure>> {
  const { run } = c.env;
  const version = versionOf(c);
  if (!version.ok) return version;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const before = await find(c);
    if (!before.ok) return before;
    const current = before.value.version;
    if (version.value !== undefined && version.value !== current)
      return err({ kind: "precondition_failed", resource: "platform", current });
    const made = await fromStore(run, () => make(before.value));
    if (!made.ok) return made;
    if (!made.value.ok) return made.value;
    const { outcome, platform } = made.value.value;
    if (outcome === "done") return ok(platform);
    if (outcome === "slug_taken") return slugTaken(platform);
  }
  return err({
    kind: "conflict",
    message: "Others change this platform at the same time. Read it again, and try again.",
  });
}

async function find(c: C): Promise<Result<Platform, Failure>> {
  const { run } = c.env;
  const id = c.req.param("id") ?? "";
  const found = await fromStore(run, () => run.ports.platforms.find(id));
  if (!found.ok) return found;
  return found.value ? ok(found.value) : err({ kind: "not_found", resource: "platform", id });
}

const slugTaken = ({ slug }: Platform) =>
  err({
    kind: "conflict",
    message: `There is a platform \`${slug}\` already: choose another slug.`,
    param: "slug",
  } as const);

const show = (run: Run, platform: Result<Platform, Failure>, status = 200): Response =>
  answer(run, platform, platform.ok ? { status, headers: { etag: etagOf(platform.value.version) } } : {});

const deedOf = (verb: string, { id }: Platform, details: Deed["details"]): Deed => ({
  action: `platform.${verb}`,
  resource: { type: "platform", id },
  details,
});

type Stamp = Pick<Platform, "id" | "version" | "createdAtMs" | "updatedAtMs">;

const platformFrom = (input: PlatformCreate, { id, version, createdAtMs, updatedAtMs }: Stamp): Platform => ({
  object: "platform",
  id,
  name: input.name,
  slug: input.slug,
  type: input.type,
  status: input.status ?? "active",
  capabilities: input.capabilities ?? [],
  deployTarget: input.deployTarget ?? null,
  description: input.description ?? null,
  version,
  createdAtMs,
  updatedAtMs,
});

/** A platform as it would be registered: what a patch is merged into. */
const inputOf = ({
  name,
  slug,
  type,
  status,
  capabilities,
  deployTarget,
  description,
}: Platform): PlatformCreate => ({
  name,
  slug,
  type,
  status,
  capabilities,
  ...(deployTarget !== null && { deployTarget }),
  ...(description !== null && { description }),
});
