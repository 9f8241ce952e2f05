import type { ReadEvent } from "./events.ts";
import type { Check } from "./openai-types.ts";

type Chunk = {
  readonly id?: unknown;
  readonly model?: unknown;
  readonly error?: unknown;
  readonly usage?: unknown;
  readonly choices?: readonly {
    readonly index: number;
    readonly finish_reason: string | null;
    readonly delta?: { readonly role?: unknown };
  }[];
};

/** The checks for the events of one kind of stream. */
export type EventChecks = { readonly chunk: readonly Check[]; readonly error: readonly Check[] };

/** What a stream must keep to as a whole. `take` and `end` give what is wrong, one line each. */
export type StreamRules = { take(event: ReadEvent): string[]; end(): string[] };

/**
 * The rules of a streamed answer, whatever engine made it: every event is a chunk or an error; all have one id; a
 * choice opens with its role, has one finish, and nothing after it; usage comes once, behind the choices and only
 * where it was asked for; `[DONE]` only when every choice has finished; nothing after the end or an error; and an end.
 */
export function streamRules(
  { chunk: chunkChecks, error: errorChecks }: EventChecks,
  asked: { usage: boolean; roles: boolean },
): StreamRules {
  const open = new Set<number>();
  const finished = new Set<number>();
  let ids: string | undefined;
  let usages = 0;
  let over: string | undefined;

  function takeChunk(chunk: Chunk): string[] {
    const wrong = chunkChecks.flatMap((check) => check(chunk) ?? []);
    const id = `${String(chunk.id)} of ${String(chunk.model)}`;
    ids ??= id;
    if (id !== ids) wrong.push(`is ${id}, and the stream began as ${ids}`);
    for (const { index, finish_reason, delta } of chunk.choices ?? []) {
      if (finished.has(index)) wrong.push(`belongs to choice ${index}, which has finished`);
      if (asked.roles && !open.has(index) && delta?.role !== "assistant")
        wrong.push(`opens choice ${index} without a role`);
      open.add(index);
      if (finish_reason !== null && finish_reason !== undefined) finished.add(index);
    }
    if (chunk.usage === undefined || chunk.usage === null) return wrong;
    if (!asked.usage && chunk.choices?.length === 0) wrong.push("tells usage that was not asked for");
    if (chunk.choices?.length === 0) usages += 1;
    return wrong;
  }

  return {
    take({ data }) {
      if (data === undefined) return [];
      if (over !== undefined) return [`comes after ${over}: ${data}`];
      if (data === "[DONE]") {
        over = data;
        const wrong =
          finished.size === 0 || finished.size < open.size
            ? ["[DONE] came before every choice had finished"]
            : [];
        return usages > 1 ? [...wrong, `usage came ${usages} times`] : wrong;
      }
      const chunk = parse(data);
      if (!chunk) return [`is no JSON object: ${data}`];
      if (chunk.error === undefined || chunk.error === null)
        return takeChunk(chunk).map((each) => `${each}: ${data}`);
      over = "an error";
      // A half-sent chunk may carry the error: it is the error that has to be right.
      return errorChecks
        .flatMap((check) => check({ error: chunk.error }) ?? [])
        .map((each) => `${each}: ${data}`);
    },
    end: () => (over === undefined ? ["the stream ended without [DONE] and without an error"] : []),
  };
}

function parse(data: string): Chunk | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
