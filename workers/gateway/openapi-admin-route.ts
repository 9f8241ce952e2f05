import { createRoute, type z } from "@hono/zod-openapi";
import { ApiError } from "../../shared/contracts/error.ts";

/** What an operation may answer, by status. */
export type Responses = Parameters<typeof createRoute>[0]["responses"];

/** A body of JSON. */
export const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });
const failure = (description: string) => ({ description, content: json(ApiError) });
/** The answer when all goes well. */
export const good = (description: string, schema: z.ZodType): Responses => ({
  200: { description, content: json(schema) },
});

const failures = {
  400: failure("The request is malformed, or asks for what this engine or deployment cannot do."),
  401: failure("The API key is missing, unknown, expired or revoked."),
  403: failure("The key is not an operator's."),
  404: failure("There is none of this id."),
  405: failure("The method is not allowed here; see Allow."),
  409: failure("It cannot be done as things are; the message says why."),
  412: failure("It has been changed since the version in If-Match."),
  413: failure("The body is too large."),
  415: failure("The body is not JSON."),
  429: failure("The engine is busy, or keys that nobody has were sent too often; see Retry-After."),
  500: failure("Something went wrong on this side; x-request-id tells the operator which request it was."),
  502: failure("The engine failed, or could not be reached."),
  503: failure("The database is out of reach; see Retry-After."),
  504: failure("The engine was silent for too long."),
};

type Status = keyof typeof failures;
/** The failures of these statuses. */
export const of = (...statuses: Status[]): Responses =>
  Object.fromEntries(statuses.map((status) => [status, failures[status]]));

/** What can go wrong wherever an operator reads. */
export const READ: Status[] = [401, 403, 405, 429, 500, 503];
/** Likewise where one sends a body. */
export const WRITE: Status[] = [...READ, 400, 413, 415];

/** An operation for operators. */
export const route = (
  method: "get" | "post" | "patch" | "delete",
  path: string,
  summary: string,
  request: Parameters<typeof createRoute>[0]["request"],
  responses: Responses,
  description?: string,
) =>
  createRoute({
    method,
    path,
    summary,
    tags: ["Operators"],
    security: [{ apiKey: [] }],
    ...(description !== undefined && { description }),
    ...(request && { request }),
    responses,
  });
