/** One server-sent event as a client reads it: its data, or undefined for a comment. */
export type ReadEvent = { readonly data: string | undefined };

/**
 * Reads server-sent events by the letter of https://html.spec.whatwg.org/#event-stream-interpretation, apart from our
 * own scanner so that both cannot be wrong alike. `feed` gives the events that a piece of text completes.
 */
export function eventReader(): { feed(text: string): ReadEvent[]; readonly rest: string } {
  let rest = "";
  return {
    get rest() {
      return rest;
    },
    feed(text) {
      const blocks = (rest + text).split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? "";
      return blocks.filter((block) => block !== "").map((block) => ({ data: dataOf(block) }));
    },
  };
}

function dataOf(block: string): string | undefined {
  const lines = block.split(/\r\n|\n|\r/).flatMap((line) => /^data(?:: ?(.*))?$/s.exec(line) ?? []);
  const data = lines.filter((_, at) => at % 2 === 1);
  return data.length > 0 ? data.map((line) => line ?? "").join("\n") : undefined;
}
