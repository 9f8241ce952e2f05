import { createRoute, z } from "@hono/zod-openapi";
import { ApiError } from "../../shared/contracts/error.ts";
import {
  ApiKey,
  ApiKeyList,
  KeyCreate,
  KeyPatch,
  KeyRotate,
  KeySecret,
} from "../../shared/contracts/keys.ts";
import { type Responses, good, json, of } from "./openapi-admin-route.ts";

const workspace = {
  workspace: z.string().optional().openapi({
    description: "For operators: another workspace than their own.",
    example: "ws_2vR8kQm1xYz0AbCdEfGh",
  }),
};
const params = z.object({
  id: z.string().openapi({ description: "The key's id.", example: "key_2vR8kQm1xYz0AbCdEfGh" }),
});
const one = { params, query: z.object(workspace) };
const ifMatch = z.object({
  "if-match": z.string().optional().openapi({
    description: "The version that was read, as its ETag has it: nothing newer is overwritten.",
    example: '"1"',
  }),
});
const body = (schema: z.ZodType, required = true) => ({ body: { required, content: json(schema) } });
const failure = (description: string) => ({ description, content: json(ApiError) });

/** What can go wrong with all of them. */
const USUAL: Responses = {
  ...of(400, 401, 405, 500),
  403: failure(
    "Your role, your key's scopes, or where you ask from do not allow it; the message says which.",
  ),
};
const READ: Responses = { ...USUAL, ...of(503) };
const CHANGE: Responses = {
  ...USUAL,
  ...of(404, 409, 412),
  503: failure(
    "The database is out of reach, and nothing is changed; or, with the code `change_pending`, it is changed, and holds everywhere within 90 seconds.",
  ),
};
const BODY: Responses = of(413, 415);

const route = (
  method: "get" | "post" | "patch" | "delete",
  path: string,
  summary: string,
  request: Parameters<typeof createRoute>[0]["request"],
  responses: Responses,
  description: string,
) =>
  createRoute({
    method,
    path,
    summary,
    description,
    tags: ["Keys"],
    security: [{ apiKey: [] }],
    ...(request && { request }),
    responses,
  });

const REVOKE =
  "For ever, and at once: when this is answered, no request is admitted with it any more. It stays in the list, and the keys that it has made go on. A key may revoke itself. Doing it again does no harm.";
const REVOKED = good("The key, which has ended.", ApiKey);

/** The part of the description that is about keys. */
export const KEY_OPERATIONS = [
  route(
    "get",
    "/api/v1/keys",
    "List the keys",
    {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(100).default(20).openapi({ description: "How many." }),
        after: z.string().optional().openapi({
          description: "The `next` of the page before.",
          example: "key_2vR8kQm1xYz0AbCdEfGh",
        }),
        ...workspace,
      }),
    },
    { ...good("A page, the newest first.", ApiKeyList), ...READ },
    "Admins see all keys of their workspace; others see those that they have made, and a key itself.",
  ),
  route(
    "post",
    "/api/v1/keys",
    "Make a key",
    { ...body(KeyCreate), query: z.object(workspace) },
    {
      201: { description: "The key, with its secret.", content: json(KeySecret) },
      ...READ,
      ...BODY,
      ...of(404),
    },
    "`secret` is shown this once and stored nowhere. Nobody gives more than they have: not a higher role, and a key that was cut down makes none that is not.",
  ),
  route(
    "get",
    "/api/v1/keys/{id}",
    "Show a key",
    one,
    { ...good("The key; its ETag is its version.", ApiKey), ...READ, ...of(404) },
    "A key may look at itself.",
  ),
  route(
    "patch",
    "/api/v1/keys/{id}",
    "Change a key",
    { ...one, ...body(KeyPatch), headers: ifMatch },
    { ...good("The key as it is now.", ApiKey), ...CHANGE, ...BODY },
    "A JSON merge patch: what is named is changed, what is null is removed. It holds when it is answered.",
  ),
  route(
    "delete",
    "/api/v1/keys/{id}",
    "Revoke a key",
    { ...one, headers: ifMatch },
    { ...REVOKED, ...CHANGE },
    REVOKE,
  ),
  route(
    "post",
    "/api/v1/keys/{id}/rotate",
    "Give a key a new secret",
    { ...one, ...body(KeyRotate, false), headers: ifMatch },
    { ...good("The key, with its new secret.", KeySecret), ...CHANGE, ...BODY },
    "The secret of until now works on for `graceSeconds`. A key has two secrets at most: one that is in its grace already ends at once. A key may rotate itself, though not by a secret that is in its grace.",
  ),
  route(
    "post",
    "/api/v1/keys/{id}/revoke",
    "Revoke a key for ever",
    { ...one, headers: ifMatch },
    { ...REVOKED, ...CHANGE },
    `The same as \`DELETE\`. ${REVOKE}`,
  ),
];
