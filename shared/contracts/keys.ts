import { z } from "zod";
import { isAddressRange } from "../auth/address-list.ts";
import { Role, Scope } from "../auth/permissions.ts";
import { isOrigin } from "../auth/whence.ts";
import { KeyId, WorkspaceId } from "../kernel/ids.ts";
import { PRIORITIES } from "../routing/priority.ts";
import { CAPABILITY_PREFIX } from "./admin-models.ts";
import { Metadata } from "./common.ts";
import { Limits } from "./limits.ts";
import { patchShape } from "./merge-patch.ts";

/** Most entries that one list of a key may have: each request of the key goes through them. */
const ENTRIES_MAX = 100;

const TimeMs = z.int().min(0);

const ModelName = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => !name.startsWith(CAPABILITY_PREFIX), "is the name or id of one model");
const Origin = z
  .string()
  .max(255)
  .refine(isOrigin, "is an origin and nothing more, as browsers send it: `https://app.example`");
const AddressRange = z
  .string()
  .max(64)
  .refine(isAddressRange, "is an IPv4 or IPv6 address, or a range of them: `203.0.113.0/24`");

const listOf = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1).max(ENTRIES_MAX);

/** What a key is for and what it may. What is absent does not restrict it. */
const settings = {
  name: z.string().trim().min(1).max(100).meta({ description: "For people.", example: "my app" }),
  role: Role.meta({
    description: "At most the role of whoever makes it: `developer` asks models, `viewer` only looks.",
  }),
  scopes: listOf(Scope)
    .optional()
    .meta({ description: "The permissions that it is cut down to; absent for all of its role." }),
  models: listOf(ModelName).optional().meta({
    description: "The models that it may ask for, by id or name; to it, no other model exists.",
  }),
  origins: listOf(Origin).optional().meta({
    description:
      "The pages that it may be used from, by their origin. A request that names no origin, as those of servers, is let in.",
  }),
  ips: listOf(AddressRange)
    .optional()
    .meta({ description: "The addresses that it may be used from, or ranges of them." }),
  limits: Limits.optional(),
  priority: z.enum(PRIORITIES).optional().meta({
    description: "Which requests go first where they have to wait; `high` is given by operators alone.",
  }),
  metadata: Metadata.optional().meta({ description: "Up to 16 labels of your own." }),
  expiresAtMs: TimeMs.optional().meta({ description: "When it ends by itself; absent for never." }),
};

/** `POST /api/v1/keys` */
export const KeyCreate = z
  .strictObject({ ...settings, role: settings.role.default("developer") })
  .meta({ id: "KeyCreate" });
export type KeyCreate = z.infer<typeof KeyCreate>;

/** What a key is after a change of it. */
export const KeySettings = z.strictObject(settings);
export type KeySettings = z.infer<typeof KeySettings>;

/** `PATCH /api/v1/keys/{id}`: what is named is changed, what is null is removed (RFC 7396). */
export const KeyPatch = z.strictObject(patchShape(settings)).meta({ id: "KeyPatch" });
export type KeyPatch = z.infer<typeof KeyPatch>;

/** Longest that a secret may live on beside the one that has taken its place, in seconds. */
const GRACE_S_MAX = 30 * 24 * 60 * 60;

/** `POST /api/v1/keys/{id}/rotate` */
export const KeyRotate = z
  .strictObject({
    graceSeconds: z.int().min(0).max(GRACE_S_MAX).default(86_400).meta({
      description: "How long the secret of until now goes on to work; 0 ends it at once.",
    }),
  })
  .meta({ id: "KeyRotate" });
export type KeyRotate = z.infer<typeof KeyRotate>;

const shown = {
  object: z.literal("api_key"),
  id: KeyId.meta({ example: "key_2vR8kQm1xYz0AbCdEfGh" }),
  workspaceId: WorkspaceId.meta({ example: "ws_5tUvWxYz0123456789Ab" }),
  name: z.string().meta({ example: "my app" }),
  role: Role,
  scopes: z.array(Scope).nullable(),
  models: z.array(z.string()).nullable(),
  origins: z.array(z.string()).nullable(),
  ips: z.array(z.string()).nullable(),
  limits: Limits.nullable(),
  priority: z.enum(PRIORITIES).nullable(),
  metadata: z.record(z.string(), z.string()),
  secrets: z
    .array(
      z.object({
        hint: z.string().meta({ example: "sk-eco-1xJ9…q7Rt", description: "How it begins and ends." }),
        createdAtMs: TimeMs,
        expiresAtMs: TimeMs.nullable().meta({ description: "When its grace is over." }),
      }),
    )
    .meta({ description: "Those that work, the newest first: two while a rotation's grace lasts." }),
  version: z.int().min(1).meta({ example: 1, description: "For If-Match; it goes up with every change." }),
  createdBy: z.string().nullable().meta({ description: "The user or the key that made it." }),
  createdAtMs: TimeMs,
  updatedAtMs: TimeMs,
  expiresAtMs: TimeMs.nullable(),
  revokedAtMs: TimeMs.nullable(),
  lastUsedAtMs: TimeMs.nullable().meta({ description: "Within a minute; null for never." }),
};

/** A key as its owners see it. Its secret is not stored, and so cannot be shown. */
export const ApiKey = z.object(shown).meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

/** A key with a new secret: the one time that it is shown. */
export const KeySecret = z
  .object({
    ...shown,
    secret: z
      .string()
      .meta({ example: "sk-eco-1xJ9Ze…", description: "The key itself. Keep it: it is shown this once." }),
    effectiveInSeconds: z.int().optional().meta({
      description:
        "Present where a part of the platform that ends the old secret at once was out of reach: it may work for that long.",
    }),
  })
  .meta({ id: "KeySecret" });
export type KeySecret = z.infer<typeof KeySecret>;

/** `GET /api/v1/keys`, the newest first. */
export const ApiKeyList = z
  .object({
    object: z.literal("list"),
    data: z.array(ApiKey),
    hasMore: z.boolean(),
    next: KeyId.nullable().meta({
      example: null,
      description: "The `after` of the next page; null at the end.",
    }),
  })
  .meta({ id: "ApiKeyList" });
export type ApiKeyList = z.infer<typeof ApiKeyList>;
