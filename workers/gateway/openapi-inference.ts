import { createRoute, type z } from "@hono/zod-openapi";
import { ApiError } from "../../shared/contracts/error.ts";
import { answerHeaders, routingHeaders, streamHeaders } from "./openapi-headers.ts";

/** A body of JSON. */
export const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });
/** A failure as an answer. */
export const failure = (description: string) => ({ description, content: json(ApiError) });
/** What needs an API key. */
export const keyed = [{ apiKey: [] }];

/** What can go wrong with a request to a model. */
export const failures = {
  400: failure("The request is malformed, or asks for what the model's engine cannot do."),
  401: failure("The API key is missing, unknown, expired or revoked."),
  403: failure("The key is not for this, or not for use from there; the message says which."),
  404: failure("No engine serves this model."),
  405: failure("The method is not allowed here; see Allow."),
  413: failure("The body is too large."),
  415: failure("The body is not JSON."),
  422: failure("The engine could not use what the request holds, for instance an image."),
  429: failure(
    "A limit of the key has no room for it, or every engine of the model is busy; see Retry-After.",
  ),
  500: failure("Something went wrong on this side; x-request-id tells the operator which request it was."),
  502: failure("The engine failed."),
  503: failure("No engine is there, the model is being loaded, or a store is out of reach; see Retry-After."),
  504: failure("The engine was silent for too long."),
};

/** A request to a model; one with a `chunk` can be answered as a stream. */
export const post = <Request extends z.ZodType, Answer extends z.ZodType>(
  path: string,
  summary: string,
  description: string,
  request: Request,
  answer: Answer,
  chunk?: z.ZodType,
  tag = "OpenAI API",
) =>
  createRoute({
    method: "post",
    path,
    summary,
    description,
    tags: [tag],
    security: keyed,
    request: {
      body: { required: true, content: json(request) },
      headers: chunk ? streamHeaders : routingHeaders,
    },
    responses: {
      200: {
        description: chunk
          ? "The answer; with `stream: true` a stream of events, each `data:` a chunk, the last `[DONE]`."
          : "The answer.",
        headers: answerHeaders,
        content: { ...json(answer), ...(chunk && { "text/event-stream": { schema: chunk } }) },
      },
      ...failures,
    },
  });
