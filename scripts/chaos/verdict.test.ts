import { describe, expect, it } from "vitest";
import { type HeardStream, type Verdict, countVerdicts, judgeStream, judgeWhole } from "./verdict.ts";

const EXPECTED = { text: "A bridge stands.", finish: "stop" };
const WHOLE: HeardStream = { text: EXPECTED.text, finishes: ["stop"], done: true, failed: false };
const BROKEN: HeardStream = { text: "A bri", finishes: [], done: false, failed: true };

describe("judgeStream", () => {
  it.each<[string, HeardStream, Verdict]>([
    ["the very answer", WHOLE, "equal"],
    ["a beginning and an error", BROKEN, "told"],
    ["an error alone", { ...BROKEN, text: "" }, "told"],
    ["another text", { ...WHOLE, text: "A bridge falls." }, "wrong"],
    ["a text with a part said twice", { ...WHOLE, text: "A bridge bridge stands." }, "wrong"],
    ["a text without its end that claims to be done", { ...WHOLE, text: "A bri" }, "wrong"],
    ["no end mark", { ...WHOLE, done: false }, "wrong"],
    ["no finish", { ...WHOLE, finishes: [] }, "wrong"],
    ["two finishes", { ...WHOLE, finishes: ["stop", "stop"] }, "wrong"],
    ["another finish", { ...WHOLE, finishes: ["length"] }, "wrong"],
    ["silence where the rest should be", { ...BROKEN, failed: false }, "wrong"],
    ["an error and an end mark", { ...BROKEN, done: true }, "wrong"],
    ["an error behind half a text and a finish", { ...BROKEN, finishes: ["stop"] }, "wrong"],
    ["an error behind the whole answer", { ...WHOLE, done: false, failed: true }, "told"],
    ["an error behind the whole answer and its end", { ...WHOLE, failed: true }, "wrong"],
    ["an error behind another text", { ...BROKEN, text: "No" }, "wrong"],
  ])("%s", (_, heard, verdict) => {
    expect(judgeStream(heard, EXPECTED)).toBe(verdict);
  });
});

const choice = { message: { content: EXPECTED.text }, finish_reason: "stop" };
const error = { error: { message: "Nobody is there.", code: "engines_unavailable" } };

describe("judgeWhole", () => {
  it.each<[string, number, unknown, Verdict]>([
    ["the very answer", 200, { choices: [choice] }, "equal"],
    ["another text", 200, { choices: [{ ...choice, message: { content: "A" } }] }, "wrong"],
    ["another finish", 200, { choices: [{ ...choice, finish_reason: "length" }] }, "wrong"],
    ["a choice too many", 200, { choices: [choice, choice] }, "wrong"],
    ["no choice", 200, {}, "wrong"],
    ["an error with status 200", 200, error, "wrong"],
    ["an error", 503, error, "told"],
    ["an error that blames the caller", 400, error, "wrong"],
    ["a bug of ours", 500, error, "wrong"],
    ["an error without words", 503, {}, "wrong"],
    ["an error that is nothing", 503, undefined, "wrong"],
  ])("%s", (_, status, body, verdict) => {
    expect(judgeWhole(status, body, EXPECTED)).toBe(verdict);
  });
});

it("countVerdicts counts each", () => {
  expect(countVerdicts([])).toEqual({ equal: 0, told: 0, wrong: 0 });
  expect(countVerdicts(["equal", "told", "equal", "wrong"])).toEqual({ equal: 2, told: 1, wrong: 1 });
});
