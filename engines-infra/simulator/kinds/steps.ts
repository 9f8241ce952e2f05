import type { Answer, ToolCall } from "../model/answer.ts";

/** One thing that an engine puts into one event. `tokens` is what it cost to produce. */
export type Step = { choice: number; tokens: number } & (
  | { type: "open" }
  | { type: "reasoning"; text: string }
  | { type: "text"; text: string; at: number }
  | { type: "call"; call: ToolCall; index: number }
  | { type: "arguments"; piece: string; index: number }
  | { type: "close"; answer: Answer; last: boolean }
);

/** The answers token by token, several choices taking turns as they do in one batch. */
export function* steps(answers: Answer[]): Generator<Step> {
  const runs = answers.map((answer, choice) => stepsOf(answer, choice));
  let left = runs.length;
  const open = new Set(runs);
  while (open.size > 0) {
    for (const run of open) {
      const next = run.next();
      if (next.done) open.delete(run);
      else yield next.value.type === "close" ? { ...next.value, last: --left === 0 } : next.value;
    }
  }
}

function* stepsOf(answer: Answer, choice: number): Generator<Step> {
  yield { type: "open", choice, tokens: 0 };
  for (const text of answer.reasoning) yield { type: "reasoning", choice, text, tokens: 1 };
  let at = 0;
  for (const text of answer.content) {
    yield { type: "text", choice, text, at, tokens: 1 };
    at += text.length;
  }
  for (const [index, call] of answer.toolCalls.entries()) {
    yield { type: "call", choice, call, index, tokens: 1 };
    for (const piece of call.pieces) yield { type: "arguments", choice, piece, index, tokens: 1 };
  }
  const shown = answer.reasoning.length + answer.content.length;
  const called = answer.toolCalls.reduce((sum, { pieces }) => sum + 1 + pieces.length, 0);
  // The token that held a stop string is produced but not shown.
  yield { type: "close", choice, answer, last: false, tokens: answer.tokens - shown - called };
}
