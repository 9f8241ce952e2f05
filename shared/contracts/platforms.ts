import { z } from "zod";
import { patchShape } from "./merge-patch.ts";

/** A name as hosts have it: small letters, digits, and hyphens within. */
const Slug = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "is 1 to 63 small letters, digits and hyphens within");

export const PLATFORM_TYPES = ["web", "desktop", "im", "mobile", "api", "custom"] as const;
export const PLATFORM_STATUSES = ["active", "inactive", "maintenance"] as const;
const Type = z.enum(PLATFORM_TYPES);
const Status = z.enum(PLATFORM_STATUSES);

const shape = {
  name: z.string().trim().min(1).max(100),
  slug: Slug.meta({ description: "Its name in addresses; no two have the same.", example: "web-console" }),
  type: Type,
  status: Status.optional().meta({ description: "`active` unless told." }),
  capabilities: z
    .array(Slug)
    .max(50)
    .refine((all) => new Set(all).size === all.length, "names one twice")
    .optional()
    .meta({ description: "What it can do, in words of your own.", example: ["chat", "files"] }),
  deployTarget: z.string().min(1).max(200).optional().meta({ description: "Where it runs." }),
  description: z.string().min(1).max(2_000).optional(),
};

/** `POST /api/v1/platforms`: another system that belongs to this deployment. */
export const PlatformCreate = z.strictObject(shape).meta({ id: "PlatformCreate" });
export type PlatformCreate = z.infer<typeof PlatformCreate>;

/** `PATCH /api/v1/platforms/{id}`: what is named is changed, what is null is removed (RFC 7396). */
export const PlatformPatch = z.strictObject(patchShape(shape)).meta({ id: "PlatformPatch" });
export type PlatformPatch = z.infer<typeof PlatformPatch>;

/** A platform. */
export const Platform = z
  .object({
    object: z.literal("platform"),
    id: z.string().meta({ example: "plt_4fGh2kLmN8pQrStUvWxY" }),
    name: z.string(),
    slug: z.string(),
    type: Type,
    status: Status,
    capabilities: z.array(z.string()),
    deployTarget: z.string().nullable(),
    description: z.string().nullable(),
    version: z.int().min(1).meta({ description: "For If-Match." }),
    createdAtMs: z.int(),
    updatedAtMs: z.int(),
  })
  .meta({ id: "Platform" });
export type Platform = z.infer<typeof Platform>;

/** `GET /api/v1/platforms`: what to look for. */
export const PlatformListQuery = z.strictObject({
  type: Type.optional(),
  status: Status.optional(),
  after: z
    .string()
    .max(63)
    .optional()
    .meta({ description: "Only those behind this slug: `next` of the page before." }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type PlatformListQuery = z.infer<typeof PlatformListQuery>;

/** A page of platforms, in the order of their slugs. */
export const PlatformList = z
  .object({
    object: z.literal("list"),
    data: z.array(Platform),
    hasMore: z.boolean(),
    next: z
      .string()
      .nullable()
      .meta({ description: "For `after`, to read on; null where there is no more." }),
  })
  .meta({ id: "PlatformList" });
export type PlatformList = z.infer<typeof PlatformList>;

/** `DELETE /api/v1/platforms/{id}`. */
export const PlatformDeleted = z
  .object({ object: z.literal("platform"), id: z.string(), deleted: z.literal(true) })
  .meta({ id: "PlatformDeleted" });
export type PlatformDeleted = z.infer<typeof PlatformDeleted>;
