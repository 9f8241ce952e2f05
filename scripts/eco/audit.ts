import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { type Head, type Link, linkOf } from "../../shared/audit/chain.ts";
import { type Verdict, verify } from "../../shared/audit/verify.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { type Command, EcoError, type Io } from "./command.ts";
import { PLATFORM_OPTIONS, targetOf } from "./platform.ts";

type Options = {
  readonly file?: string | undefined;
  readonly excerpt: boolean;
  readonly head?: Head | undefined;
  readonly workspace?: string | undefined;
  readonly url?: string | undefined;
  readonly key?: string | undefined;
};

/** `eco audit verify`: 0 where the chain is whole, 1 where a record of it is not as it was written, 2 where that cannot be said. */
export const audit: Command = {
  usage: ["audit verify [--file export.jsonl [--excerpt]] [--head SEQ:HASH] [--workspace ws_…]"],
  async run(args, io) {
    const options = readOptions(args);
    if (!options.ok) throw new EcoError(options.error);
    const verdict = await look(options.value, io).catch((error: unknown) => {
      if (error instanceof EcoError) throw error;
      // A file that cannot be read, a platform that cannot be reached, an answer that broke off.
      throw new EcoError(`The audit log could not be read: ${reasonOf(error)}`);
    });
    io.print(sentenceOf(verdict, options.value.excerpt));
    return verdict.ok ? 0 : 1;
  },
};

function readOptions(args: readonly string[]): Result<Options, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...PLATFORM_OPTIONS,
        file: { type: "string" },
        head: { type: "string" },
        workspace: { type: "string" },
        excerpt: { type: "boolean", default: false },
      },
    });
    if (positionals.join(" ") !== "verify") return err("There is `audit verify`.");
    const { head: told, ...rest } = values;
    if (rest.excerpt && rest.file === undefined) return err("`--excerpt` is for a file.");
    const head = told === undefined ? undefined : headOf(told);
    if (told !== undefined && !head)
      return err("`--head` is a place and its hash, as `head` of a verification has them.");
    return ok({ ...rest, head });
  } catch (error) {
    // parseArgs throws nothing but its verdict on the arguments; the first sentence is enough.
    return err(`${String((error as Error).message).split(". ")[0]}.`);
  }
}

/** `12:ab…` as the end of a chain. */
function headOf(text: string): Head | undefined {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  return seq !== undefined && hash !== undefined ? { seq: Number(seq), hash } : undefined;
}

async function look(options: Options, { env, fetch }: Io): Promise<Verdict> {
  const { file, excerpt, head } = options;
  if (file !== undefined) return verify(linksOf(createReadStream(file)), { excerpt, head });
  const { url, key } = targetOf(options, env);
  const query = options.workspace === undefined ? "" : `?workspace=${encodeURIComponent(options.workspace)}`;
  const response = await fetch(`${url}/admin/audit/export${query}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  if (!response.ok || !response.body)
    throw new EcoError(`${url} answered ${response.status}: ${await messageOf(response)}`);
  // What the platform says of its end must be reached: an answer that was cut short is no chain.
  const end = headOf(response.headers.get("x-eco-audit-head") ?? "");
  const links = linksOf(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]));
  return verify(links, { head: head ?? end });
}

/** The lines of an export, as links; a line that is none is undefined. */
async function* linksOf(input: NodeJS.ReadableStream): AsyncGenerator<Link | undefined, void, undefined> {
  // The reader of lines does not tell of a source that fails: without this a part would look like the whole.
  let failed: Error | undefined;
  const lines = createInterface({ input, crlfDelay: 0 });
  input.once("error", (error: Error) => {
    failed = error;
    lines.close();
  });
  for await (const line of lines) yield linkOf(line);
  if (failed) throw failed;
}

/** One line for the user. */
function sentenceOf({ ok, records, head, firstBad }: Verdict, excerpt: boolean): string {
  if (ok || !firstBad) {
    const what = excerpt ? "this excerpt of the audit log is whole" : "the audit log is whole";
    return `ok: ${what}: ${records} records, head ${head.seq}:${head.hash}`;
  }
  const { seq, action, timestamp, reason, message } = firstBad;
  const about = [action && `action ${action}`, timestamp && `time ${timestamp}`].filter(Boolean).join(", ");
  return `ALTERED: seq ${seq}${about ? ` (${about})` : ""}: ${reason}: ${message}; the ${records} before it are as they were written`;
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return String((JSON.parse(text) as { error: { message: unknown } }).error.message);
  } catch {
    return text.slice(0, 200);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
