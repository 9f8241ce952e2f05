import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExampleRequest, curlOf } from "./commands.ts";

const url = "https://ai.example.com/v1/models";

describe("curl", () => {
  it.each<[string, ExampleRequest, string]>([
    ["asks plainly", { method: "get", url, keyed: false }, `curl ${url}`],
    [
      "sends the key",
      { method: "get", url, keyed: true },
      `curl ${url} \\\n  -H "Authorization: Bearer $ECO_API_KEY"`,
    ],
    [
      "names a method that it would not guess",
      { method: "delete", url, keyed: false },
      `curl -X DELETE ${url}`,
    ],
    ["asks for headers only", { method: "head", url, keyed: false }, `curl -I ${url}`],
    [
      "quotes an address with signs of the shell",
      { method: "get", url: `${url}?a=1&b=$2`, keyed: false },
      `curl '${url}?a=1&b=$2'`,
    ],
    [
      "sends a body, and shows a stream as it comes",
      { method: "post", url, keyed: false, body: { a: 1 }, streamed: true },
      `curl -N ${url} \\\n  -H "Content-Type: application/json" \\\n  -d '{\n    "a": 1\n  }'`,
    ],
  ])("%s", (_, request, expected) => {
    expect(curlOf(request)).toBe(expected);
  });

  it.skipIf(process.platform === "win32")("means the same to a shell, whatever is in it", () => {
    const text = fc.string({ unit: fc.constantFrom("'", '"', "\\", "$", "`", "!", " ", "\n", "ü", "a") });
    fc.assert(
      fc.property(text, text, (path, value) => {
        const body = { value };
        const address = url + path.replaceAll("\n", "");
        const command = curlOf({ method: "post", url: address, keyed: true, body });
        const args = argumentsOf(command);
        expect(args.slice(0, 5)).toEqual([
          address,
          "-H",
          "Authorization: Bearer sk-eco-1",
          "-H",
          "Content-Type: application/json",
        ]);
        expect(JSON.parse(args[6] ?? "")).toEqual(body);
      }),
      { numRuns: 30 },
    );
  });
});

/** What `curl` would be called with: a shell runs the command with a function in its place. */
function argumentsOf(command: string): string[] {
  const script = `curl() { for each; do printf '%s\\0' "$each"; done; }\n${command}`;
  const output = execFileSync("/bin/sh", ["-c", script], {
    env: { ECO_API_KEY: "sk-eco-1" },
    encoding: "utf8",
  });
  return output.split("\0").slice(0, -1);
}
