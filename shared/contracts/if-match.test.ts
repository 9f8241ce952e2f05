import { describe, expect, it } from "vitest";
import { etagOf, readIfMatch } from "./if-match.ts";

describe("If-Match", () => {
  it.each<[string | null | undefined, number | undefined | "refused"]>([
    [null, undefined],
    [undefined, undefined],
    ["", undefined],
    ["*", undefined],
    [etagOf(7), 7],
    ["7", 7],
    ['W/"7"', 7],
    [' "0" ', 0],
    ['"abc"', "refused"],
    ['"1", "2"', "refused"],
    ["-1", "refused"],
    ["1.5", "refused"],
    ["99999999999999999999", "refused"],
  ])("%j is %j", (header, version) => {
    const read = readIfMatch(header);
    expect(read.ok ? read.value : "refused").toBe(version);
  });
});
