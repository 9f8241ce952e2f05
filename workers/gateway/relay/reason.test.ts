import { describe, expect, it } from "vitest";
import { reasonOf } from "./reason.ts";
import { lostConnection, timedOut } from "./attempt.ts";

describe("the reason of a failed attempt", () => {
  it.each<[string, string]>([
    ["CUDA out of memory. Tried to allocate 2.00 GiB", "CUDA out of memory. Tried to allocate 2.00 GiB"],
    [`error parsing tool call: raw='{"city":"Rome"}', err=eof`, "error parsing tool call: raw="],
    ["Value error, got [{'role': 'user'}]", "Value error, got"],
    ["no such model `private`", "no such model"],
    ["the model couldn't be read", "the model couldn't be read"],
    ["first line\nTraceback: the prompt", "first line"],
    ["'all of it'", "failed (500)"],
    ["", "failed (500)"],
    ["x".repeat(900), "x".repeat(200)],
  ])("has of %j what is no quotation", (message, reason) => {
    expect(reasonOf({ class: "failure", status: 500, message })).toBe(reason);
  });

  it("does not repeat what an engine says of the request", () => {
    const fault = { class: "client_fault", status: 422, message: "you wrote a prompt" } as const;
    expect(reasonOf(fault)).toBe("found fault with the request (422)");
  });

  it("has our own words in full", () => {
    expect(reasonOf(lostConnection())).toBe("the connection to it was lost");
    expect(reasonOf(timedOut("first byte", 1500))).toBe("sent no first byte within 1.5 s");
  });
});
