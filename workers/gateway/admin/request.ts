import type { Context } from "hono";
import type { z } from "zod";
import { readIfMatch } from "../../../shared/contracts/if-match.ts";
import { invalidRequest, parseJson } from "../../../shared/contracts/parse-body.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { AppEnv } from "../app-env.ts";
import { idHeaders } from "../http/answer-headers.ts";
import { failureResponse } from "../http/failure-response.ts";
import { readBody } from "../http/read-body.ts";
import type { Run } from "../run.ts";

/** Most that an operator's body may have: a registration is small. */
const BODY_BYTES_MAX = 256 * 1024;

/** Reads a JSON body and checks it. Where all of it may be left out, `whenEmpty` stands for none. */
export async function readChecked<T>(
  c: Context<AppEnv>,
  schema: z.ZodType<T>,
  whenEmpty = "",
): Promise<Result<T, Failure>> {
  const text = await readBody(c.req.raw, BODY_BYTES_MAX);
  if (!text.ok) return text;
  const json = parseJson(text.value || whenEmpty);
  if (!json.ok) return json;
  const parsed = schema.safeParse(json.value);
  return parsed.success ? ok(parsed.data) : err(invalidRequest(parsed.error));
}

/** Reads what the address asks for behind its `?`, and checks it: a parameter that nobody knows is a mistake. */
export function readQuery<T>(c: Context<AppEnv>, schema: z.ZodType<T>): Result<T, Failure> {
  const parsed = schema.safeParse(c.req.query());
  return parsed.success ? ok(parsed.data) : err(invalidRequest(parsed.error));
}

/** The version that a change is meant for; undefined where the operator names none. */
export const versionOf = (c: Context<AppEnv>): Result<number | undefined, Failure> =>
  readIfMatch(c.req.header("if-match"));

/** A switch in the address: `?check=false`. */
export function switchOf(c: Context<AppEnv>, name: string, fallback: boolean): Result<boolean, Failure> {
  const text = c.req.query(name);
  if (text === undefined) return ok(fallback);
  if (text === "true" || text === "false") return ok(text === "true");
  return err({ kind: "invalid_request", param: name, message: `\`${name}\`: is \`true\` or \`false\`.` });
}

/** A number in the address: `?limit=20`. */
export function integerOf(
  c: Context<AppEnv>,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): Result<number, Failure> {
  const text = c.req.query(name);
  if (text === undefined) return ok(fallback);
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return ok(value);
  const message = `\`${name}\`: is a whole number from ${min} to ${max}.`;
  return err({ kind: "invalid_request", param: name, message });
}

/** What a store gives; that it throws says that it is out of reach. The reason goes to the log. */
export async function fromStore<T>(run: Run, work: () => Promise<T>): Promise<Result<T, Failure>> {
  try {
    return ok(await work());
  } catch (error) {
    run.fail(error);
    return err({ kind: "store_unavailable" });
  }
}

/** An answer, or the failure in its place. */
export const answer = (
  run: Run,
  result: Result<unknown, Failure>,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): Response =>
  result.ok
    ? Response.json(result.value, { status, headers: { ...idHeaders(run), ...headers } })
    : failureResponse(run, result.error);
