/** An object as JSON has them: any members. */
export type Json = Record<string, unknown>;

/** A JSON object, or undefined for anything else. */
export const asObject = (value: unknown): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** A list, or an empty one for anything else. */
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** What a text of JSON holds; undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The object that a text of JSON is; undefined where it is none, or something else. */
export const objectIn = (text: string): Json | undefined => asObject(parseJson(text));
