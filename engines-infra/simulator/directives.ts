import { TOKENS_MAX } from "./model/generate.ts";
import { isObject } from "./model/json.ts";
import type { Json } from "./model/json.ts";

/** A place in a stream: after so many wire events (role, text, finish, usage and end each count), or tokens (`t12`). */
export type Position = { unit: "events" | "tokens"; count: number };

/** What `[sim ...]` asks for. README.md has the table. */
export type Directives = {
  on?: string;
  once?: boolean;
  gapMs?: number;
  tokens?: number;
  firstMs?: number;
  headersMs?: number;
  hang?: "headers" | Position;
  die?: Position;
  fin?: Position;
  error?: Position;
  cutIn?: number;
  badUtf8?: number;
  abortTokens?: number;
  onlyDone?: boolean;
  status?: number;
  overload?: boolean;
  loading?: boolean | number;
  splitBytes?: number;
  crlf?: boolean;
  noUsage?: boolean;
  noFinish?: boolean;
  html?: boolean;
  hugeBytes?: number;
};

/** The space before a block goes with it, but by hand: `\s*` in front of it is quadratic in a long run of spaces. */
const BLOCK = /\[sim(?:\s([^\][]*))?\]/g;

/** More would not fit in memory, or into a timer. */
const BYTES_MAX = 64 * 1024 * 1024;
const COUNT_MAX = 2 ** 31 - 1;

type Reader = (value: string) => Directives | undefined;

const READERS: Record<string, Reader> = {
  on: (value) => (value === "" ? undefined : { on: value }),
  once: flag({ once: true }),
  gap: count((gapMs) => ({ gapMs })),
  tokens: count((tokens) => ({ tokens }), TOKENS_MAX),
  first: count((firstMs) => ({ firstMs })),
  headers: count((headersMs) => ({ headersMs })),
  hang: (value) => (value === "headers" ? { hang: value } : position((hang) => ({ hang }))(value)),
  die: position((die) => ({ die })),
  fin: position((fin) => ({ fin })),
  error: position((error) => ({ error })),
  cutin: count((cutIn) => ({ cutIn })),
  badutf8: count((badUtf8) => ({ badUtf8 })),
  abort: count((abortTokens) => ({ abortTokens })),
  onlydone: flag({ onlyDone: true }),
  status: (value) => (/^[1-5]\d\d$/.test(value) ? { status: Number(value) } : undefined),
  overload: flag({ overload: true }),
  loading: (value) => (value === "" ? { loading: true } : count((loading) => ({ loading }))(value)),
  split: (value) => (value === "0" ? undefined : count((splitBytes) => ({ splitBytes }))(value)),
  crlf: flag({ crlf: true }),
  nousage: flag({ noUsage: true }),
  nofinish: flag({ noFinish: true }),
  html: flag({ html: true }),
  huge: count((hugeBytes) => ({ hugeBytes }), BYTES_MAX),
};

/** A directive, or what is wrong with it: a typo must not turn a fault test into a test of nothing. */
export type Parsed = { ok: true; directives: Directives } | { ok: false; reason: string };

/** Reads the inside of one block, for example `gap=20 tokens=64 die=12`. */
export function parseDirectives(text: string): Parsed {
  const directives: Directives = {};
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const [key = "", value = ""] = word.split("=", 2);
    const read = Object.hasOwn(READERS, key) ? READERS[key]?.(value) : undefined;
    if (!read) return { ok: false, reason: `[sim] does not know '${word}'` };
    Object.assign(directives, read);
  }
  return { ok: true, directives };
}

/** The body without its directive blocks, which the model must not see, and the inside of each block. */
export function takeDirectives(body: Json): { body: Json; blocks: string[] } {
  const blocks: string[] = [];
  const take = (value: Json): Json => {
    if (typeof value === "string") return withoutBlocks(value, blocks);
    if (Array.isArray(value)) return value.map(take);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, take(each)]));
  };
  return { body: take(body), blocks };
}

/** The text without its blocks and the space before each; what is inside of them is added to `blocks`. */
function withoutBlocks(text: string, blocks: string[]): string {
  let kept = "";
  let from = 0;
  for (const match of text.matchAll(BLOCK)) {
    blocks.push(match[1]?.trimStart() ?? "");
    kept += text.slice(from, match.index).trimEnd();
    from = match.index + match[0].length;
  }
  return kept + text.slice(from);
}

function flag(directives: Directives): Reader {
  return (value) => (value === "" ? directives : undefined);
}

function count(build: (count: number) => Directives, max = COUNT_MAX): Reader {
  return (value) => (/^\d+$/.test(value) && Number(value) <= max ? build(Number(value)) : undefined);
}

function position(build: (position: Position) => Directives): Reader {
  return (value) => {
    const match = /^(t?)(\d+)$/.exec(value);
    return match ? build({ unit: match[1] ? "tokens" : "events", count: Number(match[2]) }) : undefined;
  };
}

/** Who reads a directive: blocks may be meant for one server, or for once only. */
export type Reading = { names: string[]; spent: Set<string> };

/** All blocks that concern this server, merged, later ones over earlier ones. Marks `once` blocks as spent. */
export function mergeDirectives(blocks: string[], { names, spent }: Reading): Parsed {
  const merged: Directives = {};
  for (const block of blocks) {
    const parsed = parseDirectives(block);
    if (!parsed.ok) return parsed;
    const { on, once, ...directives } = parsed.directives;
    if (on !== undefined && !names.includes(on)) continue;
    if (once && spent.has(block)) continue;
    if (once) spent.add(block);
    Object.assign(merged, directives);
  }
  return { ok: true, directives: merged };
}
