import { hexDigits } from "../model/hash.ts";
import { textOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";

/**
 * The id of a choice: the caller's `rid`, with a number behind it for each of several prompts. With several choices each
 * of them runs under a new id of its own.
 */
export function idOf(
  { serial }: Context,
  body: JsonObject,
  choice: number,
  { prompts, n }: { prompts: number; n: number },
): string {
  const rid = textOf(body["rid"]);
  if (n > 1 || rid === undefined) return hexDigits(serial * 131 + choice, 32);
  return prompts > 1 ? `${rid}_${choice}` : rid;
}

/** The token that ends a text by itself, as `matched_stop` tells it. */
export const EOS_ID = 151_645;

/** What `matched_stop` says of an end. */
export function matchedStop({ finish, stopMatch }: { finish: string; stopMatch: string | null }): unknown {
  return finish === "stop" ? (stopMatch ?? EOS_ID) : null;
}
