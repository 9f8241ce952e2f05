import { describe, expect, it } from "vitest";
import type { Failure } from "../kernel/failure.ts";
import { ApiError, reportFailure } from "./error.ts";

describe("a failure of the operators' API", () => {
  it.each<[failure: Failure, status: number, code: string, param: string | null, says: RegExp]>([
    [
      { kind: "not_found", resource: "engine", id: "gpu-9" },
      404,
      "not_found",
      null,
      /^There is no engine `gpu-9`\.$/,
    ],
    [{ kind: "conflict", message: "It is in use." }, 409, "conflict", null, /^It is in use\.$/],
    [{ kind: "conflict", message: "It is taken.", param: "id" }, 409, "conflict", "id", /taken/],
    [
      { kind: "precondition_failed", resource: "model", current: 7 },
      412,
      "precondition_failed",
      null,
      /version 7.*If-Match/,
    ],
  ])("%j is a %i of code %s", (failure, status, code, param, says) => {
    const report = reportFailure(failure);
    expect(report.status).toBe(status);
    expect(ApiError.parse(report.body).error).toMatchObject({ type: "invalid_request_error", code, param });
    expect(report.body.error.message).toMatch(says);
  });

  it("tells the version that a stale change would have to name", () => {
    const { headers } = reportFailure({ kind: "precondition_failed", resource: "engine", current: 3 });
    expect(headers).toEqual({ etag: '"3"' });
  });
});
