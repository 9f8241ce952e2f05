import { z } from "zod";
import { UsageGroup } from "../contracts/usage.ts";
import { isPeriod } from "./period.ts";

/**
 * Where a list goes on: behind the line of these values. It holds the period, for `now` is another with each request, and
 * by what the lines are grouped. Nothing in it gives a right to anything: what may be read is decided anew.
 */
const Cursor = z.strictObject({
  fromHour: z.int(),
  toHour: z.int(),
  groups: z.array(UsageGroup),
  after: z.array(z.string().max(500)),
});
export type Cursor = z.infer<typeof Cursor>;

/** A cursor as text that can stand in an address. */
export function encodeCursor(cursor: Cursor): string {
  const bytes = new TextEncoder().encode(JSON.stringify(cursor));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The cursor of a text; undefined where it is none. */
export function decodeCursor(text: string): Cursor | undefined {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const json = new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
    const parsed = Cursor.safeParse(JSON.parse(json));
    if (!parsed.success || !isPeriod(parsed.data)) return undefined;
    return parsed.data.groups.length === parsed.data.after.length ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
