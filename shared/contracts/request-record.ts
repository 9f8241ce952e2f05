import { z } from "zod";
import { PRIORITIES } from "../routing/priority.ts";
import { Usage } from "./common.ts";

const Ms = z.int().min(0);

/** An attempt that gave no answer, or broke off in the middle of one. */
export const FailedAttempt = z
  .object({
    engine: z.string(),
    reason: z.string().meta({ description: "What went wrong, in words." }),
    ms: Ms.meta({ description: "How long it was at the engine." }),
    queue_ms: Ms.optional().meta({
      description: "How long it waited for a slot there; absent for not at all.",
    }),
  })
  .meta({ id: "FailedAttempt" });
export type FailedAttempt = z.infer<typeof FailedAttempt>;

/**
 * All that is told of one request when its last byte has gone: its one line in the log, and what operators read later. It
 * has nothing of what was asked or answered, and no secret. `queue_ms`, `engine_ms` and `overhead_ms` are `total_ms`.
 */
export const RequestRecord = z
  .object({
    at: z.string().meta({ description: "When it ended, in ISO 8601." }),
    request: z.string().meta({ description: "Its id, as in the answer's `x-request-id`." }),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    operation: z.string().meta({ example: "chat" }),
    key: z.string().optional().meta({ description: "The id of the key that was used." }),
    workspace: z.string().optional(),
    model: z.string().optional().meta({ description: "The model, as the caller named it." }),
    model_id: z.string().optional().meta({ description: "Its id, where the caller used another name." }),
    engine: z.string().optional().meta({ description: "The engine that was asked last." }),
    attempts: z
      .array(FailedAttempt)
      .optional()
      .meta({ description: "The attempts that failed, in order, the last ones of very many." }),
    attempt_count: z
      .int()
      .optional()
      .meta({ description: "Requests that were sent to engines; absent for one." }),
    priority: z.enum(PRIORITIES).optional(),
    pin: z.string().optional().meta({ description: "The engine that the operator asked for." }),
    outcome: z
      .enum(["complete", "client_gone", "engine_failed", "timeout"])
      .optional()
      .meta({ description: "How a stream ended." }),
    continued: z
      .array(z.object({ from: z.string(), to: z.string().optional() }))
      .optional()
      .meta({ description: "Where the answer broke off, and which engine went on with it, if any." }),
    not_continued: z
      .string()
      .optional()
      .meta({ description: "Why no engine could go on with an answer that broke off." }),
    error: z.string().optional().meta({ description: "The kind of failure." }),
    usage: Usage.optional(),
    first_token_ms: Ms.optional().meta({ description: "From its arrival to the first event of the answer." }),
    queue_ms: Ms.meta({
      description: "Time that it waited: for slots, and until an engine was asked again.",
    }),
    engine_ms: Ms.meta({ description: "Time that it was at engines, to the last byte of their parts." }),
    overhead_ms: Ms.meta({ description: "All other time: the platform's own." }),
    total_ms: Ms.meta({ description: "From its arrival to the last byte of the answer." }),
  })
  .meta({ id: "RequestRecord" });
export type RequestRecord = z.infer<typeof RequestRecord>;

/** `GET /admin/requests/{id}`. */
export const ExplainedRequest = RequestRecord.extend({ object: z.literal("request") }).meta({
  id: "ExplainedRequest",
});
export type ExplainedRequest = z.infer<typeof ExplainedRequest>;
