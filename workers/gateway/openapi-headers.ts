import { z } from "@hono/zod-openapi";

const text = (description: string, example?: string) =>
  z
    .string()
    .optional()
    .openapi({ description, ...(example !== undefined && { example }) });

/** Headers that every request to a model may have. */
const ROUTING = {
  "x-eco-session": text(
    "Requests of one session meet the same engine where that is possible, for it has their beginning in its cache. Up to 256 characters of your own; without it, `prompt_cache_key` or the beginning of the conversation counts.",
    "customer-17",
  ),
  "x-eco-engine": text(
    "For operators: the engine that shall answer, by its id. Others' is ignored.",
    "gpu-1",
  ),
  "x-eco-priority": z.enum(["high", "normal", "low"]).optional().openapi({
    description: "For operators: which requests go first where they have to wait. Others' is ignored.",
  }),
};

/** What may be sent with a request whose answer comes whole. */
export const routingHeaders = z.object(ROUTING);

/** Likewise where the answer can be a stream. */
export const streamHeaders = z.object({
  "x-eco-keep-alive": z
    .enum(["on", "off"])
    .optional()
    .openapi({ description: "`off`: no comments in a stream that starts slowly." }),
  "x-eco-continue": z.enum(["on", "off"]).optional().openapi({
    description:
      "`off`: a stream whose engine is lost ends with an error, and no other engine goes on with its text.",
  }),
  ...ROUTING,
});

const number = (description: string) => z.int().optional().openapi({ description });

/** What an answer of a model says of itself. */
export const answerHeaders = z.object({
  "x-request-id": z
    .string()
    .openapi({ description: "The request's id, in the header that OpenAI's SDKs read." }),
  "x-eco-request-id": z.string().openapi({ description: "The same id." }),
  "x-eco-engine": text("To operators: the engine that answered, or was asked last."),
  "x-eco-attempts": number("To operators: requests that were sent to engines for this one."),
  "x-eco-queue-ms": number(
    "To operators: milliseconds that it waited, for slots and until an engine was asked again.",
  ),
  "x-eco-engine-ms": number("To operators: milliseconds that it was at engines."),
  "x-eco-overhead-ms": number(
    "To operators: all other milliseconds, which are the platform's own. The three together are the time from the request's arrival until these headers left.",
  ),
});
