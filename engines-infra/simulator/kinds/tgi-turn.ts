import { answer } from "../model/answer.ts";
import type { Answer, Ask } from "../model/answer.ts";
import { encode } from "../model/tokenizer.ts";
import type { Context } from "./kind.ts";
import { chatLogprob } from "./logprobs.ts";
import { steps } from "./steps.ts";
import { turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** TGI's words for the end of a text. */
export type Ending = "eos_token" | "length" | "stop_sequence";

export type TgiTurn = Turn & { endings: Ending[] };

/** The token that ends a text: special, so that only some routes show it. */
export const EOS = "</s>";

/**
 * What the model says to each ask. Stop texts are kept, and found only where a token ends with one; reasoning stays in
 * the text.
 */
export function tgiTurn(context: Context, asks: Ask[], stops: readonly string[]): TgiTurn {
  const limited = asks.map((ask) => {
    const stop = stopAfter(tokensOf(answer({ ...ask, tokensMax: undefined })), stops);
    return { ...ask, tokensMax: Math.min(ask.tokensMax ?? Infinity, stop) };
  });
  const turn = turnOf(context, limited);
  const answers = turn.answers.map((each): Answer => ({ ...each, reasoning: [], content: tokensOf(each) }));
  const endings = answers.map(({ finish, content }, at): Ending => {
    const matched = stops.some((stop) => content.join("").endsWith(stop)) && content.length > 0;
    if (matched && asks[at]?.tokensMax !== content.length) return "stop_sequence";
    return finish === "length" ? "length" : "eos_token";
  });
  return { ...turn, answers, endings };
}

function tokensOf({ reasoning, content }: Answer): string[] {
  if (reasoning.length === 0) return content;
  const thoughts = reasoning.map((token, at) => (at === 0 ? `<think>\n${token}` : token));
  return [...thoughts, ...content.map((token, at) => (at === 0 ? `\n</think>\n\n${token}` : token))];
}

/** How many tokens it takes until the text so far ends with a stop text. */
function stopAfter(tokens: readonly string[], stops: readonly string[]): number {
  let text = "";
  for (const [at, token] of tokens.entries()) {
    text += token;
    if (stops.some((stop) => stop !== "" && text.endsWith(stop))) return at + 1;
  }
  return Infinity;
}

/** One token on its way: the last one of a text has the ending. */
export type TokenStep = { choice: number; tokens: number; ending?: Ending } & (
  | { type: "token"; text: string; special: boolean }
  /** A piece of a call's arguments; the first one has its name. */
  | { type: "call"; name: string | null; piece: string }
  /** Tokens that are made and not shown. */
  | { type: "silence" }
);

/** The answers token by token. An ending that no token of the text has comes with a special one. */
export function* tokenSteps({ answers, endings }: TgiTurn): Generator<TokenStep> {
  const held = new Map<number, TokenStep>();
  const names = new Map<number, string>();
  for (const step of steps(answers)) {
    const { choice, tokens } = step;
    const before = held.get(choice);
    if (step.type === "close") {
      yield* close(choice, before, endings[choice] ?? "eos_token", tokens);
      continue;
    }
    if (before) yield before;
    held.delete(choice);
    if (step.type === "text")
      held.set(choice, { type: "token", choice, tokens, text: step.text, special: false });
    // Until a name can be read, nothing is shown; with it come the arguments' first brace.
    else if (step.type === "call") {
      names.set(choice, step.call.name);
      held.set(choice, { type: "silence", choice, tokens });
    } else if (step.type === "arguments") {
      held.set(choice, { type: "call", choice, tokens, name: names.get(choice) ?? null, piece: step.piece });
      names.delete(choice);
    }
  }
}

function* close(
  choice: number,
  last: TokenStep | undefined,
  ending: Ending,
  tokens: number,
): Generator<TokenStep> {
  const calls = last !== undefined && last.type !== "token";
  if (last && ending !== "eos_token") return yield { ...last, ending };
  if (last) yield last;
  // The brace behind the arguments completes a call, and its end-of-sequence token is not shown.
  if (calls) yield { type: "call", choice, tokens, name: null, piece: "" };
  else yield { type: "token", choice, tokens, ending, text: EOS, special: true };
}

/** A token as the native routes tell it. */
export function tokenOf(text: string, special = false) {
  return { id: encode(text)[0] ?? 0, text, logprob: special ? -0.01 : chatLogprob(text, 0).logprob, special };
}

/** The likeliest tokens in the place of one, itself first. */
export function topTokensOf(text: string, top: number) {
  return chatLogprob(text, top).top_logprobs.map(({ token, logprob }) => ({ ...tokenOf(token), logprob }));
}
