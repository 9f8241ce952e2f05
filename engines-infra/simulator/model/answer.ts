import { continuation, generate, splitTokens } from "./generate.ts";
import type { Conversation } from "./conversation.ts";
import type { GenerateOptions } from "./generate.ts";
import { hash32 } from "./hash.ts";
import type { Json, JsonObject } from "./json.ts";
import { instanceOf } from "./schema-instance.ts";
import type { Tool } from "./tools.ts";

/** `pieces` are the arguments as JSON, or with `text` whatever the tool is told. */
export type ToolCall = { name: string; arguments: JsonObject; pieces: string[]; text?: true };

/** What the model says to one request, before any engine has put it into its own words. */
export type Answer = {
  reasoning: string[];
  content: string[];
  toolCalls: ToolCall[];
  finish: "stop" | "length" | "tool_calls" | "abort";
  /** The stop string that ended the text. */
  stopMatch: string | null;
  /** Tokens produced in all: reasoning, text and calls, and the token that held the stop string. */
  tokens: number;
};

/** What a request asks of the model, as every engine understands it once it has read its own fields. */
export type Ask = GenerateOptions & {
  conversation: Conversation;
  tokensMax?: number;
  tokensMin?: number;
  /** Goes on to `tokensMax` whatever the text says. */
  ignoreEos?: boolean;
  stop?: string[];
  /** Keeps the stop string in the text. */
  stopKept?: boolean;
  /** Functions to call, in order; none for a text. */
  calls?: Tool[];
  /** A JSON answer: any object, or one that conforms to the schema. */
  json?: { schema?: Json };
  thinks?: boolean;
  /** Puts one token of this many bytes after the first. */
  hugeBytes?: number;
  /** The engine gives up after this many tokens. */
  abortTokens?: number;
};

const REASONING_TOKENS = 12;

/** The model's answer: a pure function of the ask. */
export function answer(ask: Ask): Answer {
  const key = hash32(ask.conversation.context + ask.conversation.prefill);
  if (ask.calls?.length) return capped(ask, { toolCalls: ask.calls.map((tool, at) => call(tool, key + at)) });
  const thinks = ask.thinks && (ask.conversation.context === "" || ask.conversation.prefill === "");
  const reasoning = thinks ? generate(`think\u0000${key}`, "", { ...ask, tokens: REASONING_TOKENS }) : [];
  return capped(ask, { reasoning, content: ask.json ? jsonTokens(ask, key) : textTokens(ask) });
}

function textTokens(ask: Ask): string[] {
  const { context, prefill } = ask.conversation;
  const tokens = ask.ignoreEos ? (ask.tokensMax ?? ask.tokens) : ask.tokens;
  let content = generate(context, prefill, { ...ask, tokens });
  if (ask.tokensMin !== undefined && content.length < ask.tokensMin) {
    content = generate(context, prefill, { ...ask, tokens: ask.tokensMin });
  }
  return ask.hugeBytes ? [...content.slice(0, 1), "x".repeat(ask.hugeBytes), ...content.slice(1)] : content;
}

function jsonTokens(ask: Ask, key: number): string[] {
  const free = { answer: "plain", confidence: 1 };
  const value = ask.json?.schema === undefined ? free : instanceOf(ask.json.schema, key);
  const tokens = splitTokens(JSON.stringify(value));
  return continuation(tokens, ask.conversation.prefill) ?? tokens;
}

const INPUT_TOKENS = 8;

function call(tool: Tool, key: number): ToolCall {
  if (tool.text) {
    const pieces = generate(`call\u0000${tool.name}${key}`, "", { tokens: INPUT_TOKENS });
    return { name: tool.name, arguments: {}, pieces, text: true };
  }
  const values = instanceOf({ type: "object", ...tool.parameters }, key) as JsonObject;
  return { name: tool.name, arguments: values, pieces: splitTokens(JSON.stringify(values)) };
}

type Uncapped = { reasoning?: string[]; content?: string[]; toolCalls?: ToolCall[] };

/** Applies stop strings first and the token limit second, as engines do while they sample. */
function capped(ask: Ask, { reasoning = [], content = [], toolCalls = [] }: Uncapped): Answer {
  const limit = Math.min(ask.tokensMax ?? Infinity, ask.abortTokens ?? Infinity);
  const stopped = stopAt(content, ask.stop ?? [], ask.stopKept ?? false);
  const said = stopped?.content ?? content;
  const spent = stopped?.spent ?? content.length;
  const called = toolCalls.reduce((sum, { pieces }) => sum + 1 + pieces.length, 0);
  const tokens = reasoning.length + spent + called;
  if (tokens > limit) {
    const finish = limit === ask.abortTokens ? "abort" : "length";
    return {
      reasoning: reasoning.slice(0, limit),
      content: said.slice(0, Math.max(0, limit - reasoning.length)),
      toolCalls: cutCalls(toolCalls, limit),
      finish,
      stopMatch: null,
      tokens: limit,
    };
  }
  const finish = toolCalls.length > 0 ? "tool_calls" : "stop";
  return { reasoning, content: said, toolCalls, finish, stopMatch: stopped?.match ?? null, tokens };
}

/** Calls as far as the limit lets them be written: a cut call has unfinished arguments, as a real model leaves them. */
function cutCalls(calls: ToolCall[], limit: number): ToolCall[] {
  let left = limit;
  return calls.flatMap((each) => {
    if (left <= 0) return [];
    const pieces = each.pieces.slice(0, left - 1);
    left -= 1 + pieces.length;
    return [{ ...each, pieces }];
  });
}

function stopAt(content: string[], stops: string[], kept: boolean) {
  const text = content.join("");
  const found = stops
    .filter((stop) => stop !== "")
    .map((match) => ({ match, at: text.indexOf(match) }))
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => a.at - b.at)[0];
  if (!found) return undefined;
  const end = found.at + found.match.length;
  const keep = kept ? end : found.at;
  const pieces: string[] = [];
  let from = 0;
  let spent = 0;
  for (const token of content) {
    if (from >= end) break;
    spent++;
    if (from < keep) pieces.push(token.slice(0, keep - from));
    from += token.length;
  }
  return { content: pieces, spent, match: found.match };
}
