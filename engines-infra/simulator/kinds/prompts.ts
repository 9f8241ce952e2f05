import { listOf } from "../model/json.ts";
import type { Json } from "../model/json.ts";
import { decode } from "../model/tokenizer.ts";

/**
 * The texts of an `input` or a `prompt` in any of OpenAI's four forms: a string, strings, token ids, lists of token
 * ids. Undefined where it is none of them.
 */
export function readTexts(input: Json | undefined): string[] | undefined {
  if (typeof input === "string") return [input];
  const list = listOf(input);
  if (list.length === 0) return undefined;
  if (list.every(isId)) return [decode(list)];
  const texts = list.map((each) => {
    if (typeof each === "string") return each;
    const ids = listOf(each);
    return ids.length > 0 && ids.every(isId) ? decode(ids) : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function isId(value: Json): value is number {
  return Number.isInteger(value);
}
