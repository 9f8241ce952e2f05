import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EMPTY_CHAIN, type Link, lineOf, linkAfter } from "../../shared/audit/chain.ts";
import { recordOf } from "../../shared/audit/record.ts";
import { runEco } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "eco-audit-"));
const file = join(folder, "export.jsonl");
const links: Link[] = [];
let lines: string[] = [];
let server: Server;
let url = "";
/** What the platform answers. */
let answer = { status: 200, body: "", head: "", breaksOff: false };
let asked: (string | undefined)[] = [];

beforeAll(async () => {
  for (let seq = 1; seq <= 5; seq++) {
    const entry = {
      workspaceId: "ws",
      actor: { kind: "key", id: "key_a" },
      action: `thing.step-${seq}`,
      resource: { type: "thing", id: "t" },
      outcome: "pass",
    } as const;
    links.push(
      await linkAfter(
        links.at(-1) ?? EMPTY_CHAIN,
        recordOf(entry, { id: `aud_${seq}`, seq, atMs: seq * 1000 }),
      ),
    );
  }
  lines = links.map(lineOf);
  server = createServer((request, response) => {
    asked.push(request.url, request.headers.authorization);
    response.writeHead(answer.status, { "x-eco-audit-head": answer.head });
    response.write(answer.body);
    if (answer.breaksOff) response.destroy();
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const jsonl = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");
async function run(...args: string[]) {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const env = { ECO_KEY: "sk-eco-test" };
  const io = { env, print: say, readInput: () => Promise.resolve(""), fetch };
  const code = await runEco(["audit", ...args], io, say);
  return { code, said: said.join("\n") };
}
const headText = (at: number) => `${links[at]?.seq}:${links[at]?.hash}`;

describe("eco audit verify --file", () => {
  const verifyFile = (text: string, ...more: string[]) => {
    writeFileSync(file, text);
    return run("verify", "--file", file, ...more);
  };

  it("says in a line that a chain is whole, and where it ends", async () => {
    expect(await verifyFile(jsonl(lines))).toEqual({
      code: 0,
      said: `ok: the audit log is whole: 5 records, head ${headText(4)}`,
    });
    expect((await verifyFile("")).code).toBe(0);
  });

  it.each<[string, (all: string[]) => string[], RegExp]>([
    [
      "was altered",
      (all) => all.with(2, (all[2] ?? "").replace("pass", "fail")),
      /^ALTERED: seq 3 \(action thing\.step-3, time 1970-01-01T00:00:03\.000Z\): altered: /,
    ],
    ["is missing", (all) => all.toSpliced(1, 1), /^ALTERED: seq 2 .*: missing: /],
    [
      "changed places",
      (all) => [all[0] ?? "", all[2] ?? "", all[1] ?? "", ...all.slice(3)],
      /^ALTERED: seq 2 /,
    ],
    ["is no record", (all) => all.with(4, "{}"), /^ALTERED: seq 5: unreadable: /],
    ["is an empty line", (all) => all.toSpliced(2, 0, ""), /^ALTERED: seq 3: unreadable: /],
  ])("names the first record that %s", async (_, tamper, words) => {
    const { code, said } = await verifyFile(jsonl(tamper(lines)));
    expect(code).toBe(1);
    expect(said).toMatch(words);
    expect(said).not.toContain("\n");
  });

  it("misses what is cut off at the end where the end was noted", async () => {
    expect((await verifyFile(jsonl(lines.slice(0, 3)))).code).toBe(0);
    expect(await verifyFile(jsonl(lines.slice(0, 3)), "--head", headText(4))).toEqual({
      code: 1,
      said: expect.stringMatching(/^ALTERED: seq 4: missing: records 4 to 5/),
    });
  });

  it("takes a part for a part where it is told to", async () => {
    expect((await verifyFile(jsonl(lines.slice(2)))).code).toBe(1);
    expect((await verifyFile(jsonl(lines.slice(2)), "--excerpt")).code).toBe(0);
  });

  it.each([
    [[]],
    [["list"]],
    [["verify", "--nonsense"]],
    [["verify", "--excerpt"]],
    [["verify", "--file", "x", "--head", "5"]],
    [["verify", "--file", "/nowhere/at/all"]],
  ])("cannot say anything of %j", async (args) => {
    expect((await run(...args)).code).toBe(2);
  });
});

describe("eco audit verify of a platform", () => {
  const verifyHere = async (told: Partial<typeof answer>, ...more: string[]) => {
    answer = { status: 200, body: jsonl(lines), head: headText(4), breaksOff: false, ...told };
    asked = [];
    return run("verify", "--url", `${url}/`, ...more);
  };

  it("fetches the export with a key, and verifies it", async () => {
    expect((await verifyHere({}, "--workspace", "ws_x")).code).toBe(0);
    expect(asked).toEqual(["/admin/audit/export?workspace=ws_x", "Bearer sk-eco-test"]);
  });

  it("finds what was altered, and what does not reach the end that the platform told", async () => {
    expect(
      (await verifyHere({ body: jsonl(lines.with(0, (lines[0] ?? "").replace("pass", "fail"))) })).code,
    ).toBe(1);
    expect((await verifyHere({ body: jsonl(lines.slice(0, 4)) })).said).toMatch(/^ALTERED: seq 5: missing/);
  });

  it("says what went wrong where there is nothing to verify", async () => {
    const body = JSON.stringify({ error: { message: "It is for admins." } });
    const refused = await verifyHere({ status: 403, body });
    expect(refused.code).toBe(2);
    expect(refused.said).toContain(`${url} answered 403: It is for admins.`);
    expect((await verifyHere({ body: jsonl(lines.slice(0, 2)), breaksOff: true })).code).toBe(2);
    expect((await run("verify", "--url", "http://127.0.0.1:1")).code).toBe(2);
  });
});
