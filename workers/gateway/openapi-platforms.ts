import { z } from "@hono/zod-openapi";
import {
  Platform,
  PlatformCreate,
  PlatformDeleted,
  PlatformList,
  PLATFORM_STATUSES,
  PLATFORM_TYPES,
  PlatformPatch,
} from "../../shared/contracts/platforms.ts";
import { good, json, of, READ, route, WRITE } from "./openapi-admin-route.ts";

const params = z.object({
  id: z.string().openapi({ description: "Its id or slug.", example: "web-console" }),
});
const ifMatch = z.object({
  "if-match": z.string().optional().openapi({
    description: "The version that was read, as its ETag has it: nothing newer is overwritten.",
    example: '"1"',
  }),
});
const body = (schema: z.ZodType) => ({ body: { required: true, content: json(schema) } });
const query = z.object({
  type: z.enum(PLATFORM_TYPES).optional(),
  status: z.enum(PLATFORM_STATUSES).optional(),
  after: z.string().optional().openapi({ description: "`next` of the page before." }),
  limit: z.int().min(1).max(200).default(50),
});

const platformRoute: typeof route = (...args) => ({ ...route(...args), tags: ["Platforms"] });

/** The platforms' part of the description of the API. */
export const PLATFORM_OPERATIONS = [
  platformRoute(
    "get",
    "/api/v1/platforms",
    "List the platforms",
    { query },
    {
      ...good("Other systems that belong to this deployment, in the order of their slugs.", PlatformList),
      ...of(...READ, 400),
    },
  ),
  platformRoute(
    "post",
    "/api/v1/platforms",
    "Register a platform",
    body(PlatformCreate),
    { 201: { description: "It is registered.", content: json(Platform) }, ...of(...WRITE, 409) },
    "For operators, as all changes of platforms are.",
  ),
  platformRoute(
    "get",
    "/api/v1/platforms/{id}",
    "Show a platform",
    { params },
    {
      ...good("The platform; its ETag is its version.", Platform),
      ...of(...READ, 404),
    },
  ),
  platformRoute(
    "patch",
    "/api/v1/platforms/{id}",
    "Change a platform",
    { params, ...body(PlatformPatch), headers: ifMatch },
    { ...good("The platform as it is now.", Platform), ...of(...WRITE, 404, 409, 412) },
    "A JSON merge patch: what is named is changed, what is null is removed.",
  ),
  platformRoute(
    "delete",
    "/api/v1/platforms/{id}",
    "Remove a platform",
    { params, headers: ifMatch },
    { ...good("It is removed.", PlatformDeleted), ...of(...READ, 400, 404, 409, 412) },
  ),
];
