import type { z } from "zod";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { ChatRequest } from "./chat.ts";
import { isPlainChatRequest } from "./chat-check.ts";
import { CompletionRequest } from "./completions.ts";
import { EmbeddingRequest } from "./embeddings.ts";
import { RerankRequest } from "./rerank.ts";

type Path = readonly PropertyKey[];

/** `["messages", 0, "role"]` as `messages[0].role`. */
export const fieldPath = (path: Path): string =>
  path
    .map((part, at) =>
      typeof part === "number" ? `[${part}]` : at === 0 ? String(part) : `.${String(part)}`,
    )
    .join("");

type Issue = { path: Path; message: string; code: string; errors?: readonly (readonly Issue[])[] };

/** The issue that says most: within a union, the deepest of the branch that failed least. */
function sharpest(issues: readonly Issue[], prefix: Path = []): { path: Path; message: string } {
  const issue = issues[0];
  if (!issue) return { path: prefix, message: "is invalid" };
  const path = [...prefix, ...issue.path];
  const branches =
    (issue.code === "invalid_union" ? issue.errors : undefined)?.filter((branch) => branch.length > 0) ?? [];
  if (branches.length === 0) return { path, message: issue.message };
  const nested = branches.map((branch) => sharpest(branch, path));
  const deepest = nested.reduce((best, each) => (each.path.length > best.path.length ? each : best));
  if (deepest.path.length > path.length) return deepest;
  return { path, message: nested.map((each) => each.message).join(", or ") };
}

/** A zod error as the caller should read it: the field, and what is wrong with it. */
export function invalidRequest(error: z.ZodError): Failure {
  const { path, message } = sharpest(error.issues as readonly Issue[]);
  const param = fieldPath(path);
  return {
    kind: "invalid_request",
    message: param ? `\`${param}\`: ${message}.` : `The body is invalid: ${message}.`,
    ...(param && { param }),
  };
}

/** Parses a body's text. An object comes out, or the reason why there is none. */
export function parseJson(text: string): Result<Record<string, unknown>, Failure> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? ` (${error.message})` : "";
    return err({
      kind: "invalid_request",
      message: `The body is not valid JSON${detail}.`,
      code: "invalid_json",
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return err({ kind: "invalid_request", message: "The body must be a JSON object." });
  }
  return ok(value as Record<string, unknown>);
}

function check<T>(schema: z.ZodType<T>, body: Record<string, unknown>): Result<T, Failure> {
  const parsed = schema.safeParse(body);
  // The caller's own object goes on, not a copy: contracts do not transform.
  return parsed.success ? ok(body as T) : err(invalidRequest(parsed.error));
}

const refuse = (param: string, message: string): { ok: false; error: Failure } =>
  err({ kind: "invalid_request", param, message: `\`${param}\`: ${message}.` });

/** Checks a chat request. */
export function checkChatRequest(body: Record<string, unknown>): Result<ChatRequest, Failure> {
  if (isPlainChatRequest(body)) return ok(body);
  const checked = check(ChatRequest, body);
  if (!checked.ok) return checked;
  const request = checked.value;
  if (request.stream_options && request.stream !== true)
    return refuse("stream_options", "is only allowed when `stream` is true");
  if (request.top_logprobs && request.logprobs !== true)
    return refuse("top_logprobs", "needs `logprobs` to be true");
  if (request.tool_choice && request.tool_choice !== "none" && !(request.tools && request.tools.length > 0))
    return refuse("tool_choice", "is only allowed with `tools`");
  return checked;
}

/** Checks a legacy completion request. */
export function checkCompletionRequest(body: Record<string, unknown>): Result<CompletionRequest, Failure> {
  const checked = check(CompletionRequest, body);
  if (checked.ok && checked.value.stream_options && checked.value.stream !== true)
    return refuse("stream_options", "is only allowed when `stream` is true");
  if (checked.ok && checked.value.stream && (checked.value.best_of ?? 1) > 1)
    return refuse("best_of", "greater than 1 cannot be streamed");
  return checked;
}

/** Checks an embedding request. */
export const checkEmbeddingRequest = (body: Record<string, unknown>): Result<EmbeddingRequest, Failure> =>
  check(EmbeddingRequest, body);

/** Checks a reranking request. */
export const checkRerankRequest = (body: Record<string, unknown>): Result<RerankRequest, Failure> =>
  check(RerankRequest, body);
