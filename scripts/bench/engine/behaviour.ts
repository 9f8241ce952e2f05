/**
 * How the bench engine answers one request. It is said inside the message's text (`[gap=20]`, `[n=50]`), where it gets
 * through any gateway unchanged.
 */
export type Behaviour = {
  readonly stream: boolean;
  /** Time between two chunks, in milliseconds; 0 writes all of them at once. */
  readonly gapMs: number;
  /** Content chunks of a streamed answer. */
  readonly chunks: number;
  readonly includeUsage: boolean;
};

/** Content chunks of a streamed answer that did not ask for another number. */
export const CHUNKS_DEFAULT = 50;
const CHUNKS_MAX = 10_000;
const GAP_MS_MAX = 10_000;

/** Reads the behaviour that a request's body asks for. */
export function readBehaviour(body: string): Behaviour {
  return {
    stream: body.includes('"stream":true'),
    gapMs: Math.min(directive(body, "[gap=", 0), GAP_MS_MAX),
    chunks: Math.min(directive(body, "[n=", CHUNKS_DEFAULT), CHUNKS_MAX),
    includeUsage: body.includes('"include_usage":true'),
  };
}

/** Text that makes the engine behave so. */
export const directives = (gapMs: number, chunks: number): string => `[gap=${gapMs}][n=${chunks}]`;

function directive(body: string, name: string, otherwise: number): number {
  const at = body.indexOf(name);
  const value = at < 0 ? Number.NaN : Number.parseInt(body.slice(at + name.length, at + name.length + 8), 10);
  return Number.isNaN(value) ? otherwise : Math.max(0, value);
}
