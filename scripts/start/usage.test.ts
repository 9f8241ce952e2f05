import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { USAGE, answerTo } from "./usage.ts";

describe("the arguments of npm start", () => {
  it.each([
    [[], undefined],
    [["--help"], { text: USAGE, code: 0 }],
    [["-h"], { text: USAGE, code: 0 }],
    [["--port", "1"], { text: `There is no argument \`--port\`.\n\n${USAGE}`, code: 2 }],
  ])("%j", (args, answer) => {
    expect(answerTo(args)).toEqual(answer);
  });

  it("name every variable that is read", () => {
    const source = readFileSync(new URL("./settings.ts", import.meta.url), "utf8");
    const read = new Set([...source.matchAll(/env\.(ECO_\w+)/g)].map(([, name]) => name));
    expect(read.size).toBeGreaterThan(0);
    for (const name of read) expect(USAGE).toContain(`${name}=`);
  });
});
