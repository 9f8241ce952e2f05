import { describe, expect, it } from "vitest";
import { ApiError } from "../../../shared/contracts/error.ts";
import { errorBody, errorRows } from "./failures.ts";

describe("the table of errors", () => {
  it("goes up by status", () => {
    const statuses = errorRows().map(({ status }) => status);
    expect(statuses).toEqual(statuses.toSorted());
    expect(statuses).toEqual(
      expect.arrayContaining([
        "400",
        "401",
        "403",
        "404",
        "405",
        "409",
        "412",
        "413",
        "415",
        "429",
        "4xx",
        "499",
        "500",
        "502",
        "503",
        "504",
      ]),
    );
  });

  it("names every code once", () => {
    const codes = errorRows().flatMap(({ code }) => code ?? []);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes).toContain("model_not_found");
  });

  it("says when to try again where the gateway does", () => {
    const again = errorRows().filter((row) => row.retryAfter);
    expect(again.map(({ status, code }) => `${status} ${code}`)).toEqual([
      "429 too_many_attempts",
      "429 rate_limit_exceeded",
      "429 engines_overloaded",
      "503 engines_unavailable",
      "503 model_loading",
      "503 change_pending",
      "503 store_unavailable",
    ]);
  });

  it("gives bodies that are OpenAI errors", () => {
    expect(ApiError.parse(errorBody("model_not_found")).error).toMatchObject({
      param: "model",
      code: "model_not_found",
    });
  });
});
