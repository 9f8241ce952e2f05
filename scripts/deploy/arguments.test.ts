import { describe, expect, it } from "vitest";
import { readEnvironment } from "./arguments.ts";

describe("the arguments of npm run deploy", () => {
  it.each<[string[], string]>([
    [[], "production"],
    [["--env", "staging"], "staging"],
    [["--env=staging"], "staging"],
    [["--env", "production"], "production"],
  ])("read %j as %s", (args, value) => {
    expect(readEnvironment(args, {})).toEqual({ ok: true, value });
  });

  it.each<[string[], NodeJS.ProcessEnv, string]>([
    [["--env", "elsewhere"], {}, "`--env` must be `staging` or `production`, not `elsewhere`."],
    [["--env"], {}, "Option '--env <value>' argument missing."],
    [["--dry-run"], {}, "Unknown option '--dry-run'."],
    [["staging"], {}, "Unexpected argument 'staging'."],
    [[], { npm_config_env: "staging" }, "npm took `--env` for an option of its own"],
  ])("refuse %j with one line", (args, env, line) => {
    const read = readEnvironment(args, env);
    expect(read).toMatchObject({ ok: false, error: expect.stringContaining(line) });
    expect(read).toMatchObject({ error: expect.not.stringContaining("\n") });
  });
});
