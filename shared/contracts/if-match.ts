import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";

/** A version as an entity tag: https://www.rfc-editor.org/rfc/rfc9110#name-etag */
export const etagOf = (version: number): string => `"${version}"`;

/** The version that a change is meant for; undefined where the caller names none, or any (`*`). */
export function readIfMatch(header: string | null | undefined): Result<number | undefined, Failure> {
  const text = header?.trim() ?? "";
  if (text === "" || text === "*") return ok(undefined);
  const version = /^(?:W\/)?"?(\d{1,15})"?$/.exec(text)?.[1];
  if (version !== undefined) return ok(Number(version));
  return err({
    kind: "invalid_request",
    param: "If-Match",
    message: "`If-Match`: is the version that was read, as its ETag has it: one number in quotes.",
  });
}
