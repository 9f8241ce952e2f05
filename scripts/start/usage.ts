/** What `npm start` is told, and where it keeps things: it takes no arguments. */
export const USAGE = `npm start: the whole platform on this machine. It is set by variables:
  ECO_PORT=8787        the port
  ECO_ENGINES='[…]'    the engines, instead of looking for some: [{"id":"gpu-1","kind":"vllm","baseUrl":"http://127.0.0.1:8000"}]
  ECO_MODEL=FILE       a GGUF file of your own for the embedded engine
  ECO_STATE=.eco       the folder for database, keys and logs
  ECO_SIGNUP=closed    who may sign up: open (everybody), invite (who is invited) or closed (nobody)
  ECO_QUIET=1          print the URL and nothing else`;

/** What to say to arguments, and the exit code; undefined where there are none. */
export function answerTo(
  args: readonly string[],
): { readonly text: string; readonly code: number } | undefined {
  const [first] = args;
  if (first === undefined) return undefined;
  if (first === "--help" || first === "-h") return { text: USAGE, code: 0 };
  return { text: `There is no argument \`${first}\`.\n\n${USAGE}`, code: 2 };
}
