import type { Method } from "./document.ts";

/** The environment variable that holds the caller's key in every example. */
export const KEY_VARIABLE = "ECO_API_KEY";

/** A request as the examples show it. */
export type ExampleRequest = {
  readonly method: Method;
  readonly url: string;
  /** Whether it carries a key. */
  readonly keyed: boolean;
  /** The JSON body; undefined where there is none. */
  readonly body?: unknown;
  /** Whether the answer comes bit by bit. */
  readonly streamed?: boolean;
};

/** A word for a POSIX shell: as it is where that is safe, else in single quotes. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The request as a `curl` command that can be pasted into a shell. */
export function curlOf({ method, url, keyed, body, streamed }: ExampleRequest): string {
  const usual = body === undefined ? "get" : "post";
  const options = [
    // -N: curl shows each event when it comes.
    streamed && "-N",
    method !== usual && (method === "head" ? "-I" : `-X ${method.toUpperCase()}`),
  ].filter((option) => typeof option === "string");
  const lines = [
    ["curl", ...options, shellWord(url)].join(" "),
    keyed && `-H "Authorization: Bearer $${KEY_VARIABLE}"`,
    body !== undefined && '-H "Content-Type: application/json"',
    body !== undefined && `-d ${quoted(JSON.stringify(body, null, 2).replaceAll("\n", "\n  "))}`,
  ];
  return lines.filter((line) => typeof line === "string").join(" \\\n  ");
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
