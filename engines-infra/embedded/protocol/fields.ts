/** Reads a request's JSON field by field. A field of the wrong kind becomes one sentence that names it. */
import type { Result } from "./failure.ts";
import { invalid, ok } from "./failure.ts";

export type JsonObject = { readonly [key: string]: unknown };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Thrown by `Fields` and turned into a value by `reading`, so that thirty fields are read without thirty checks. */
class BadField extends Error {}

/** What `read` returns, or the first complaint that it raised as a 400. */
export function reading<T>(read: () => T): Result<T> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof BadField) return invalid(error.message);
    throw error;
  }
}

/** Ends the reading with a 400 that says `message`. */
export function refuse(message: string): never {
  throw new BadField(message);
}

type Range = { min?: number; max?: number };

/** The fields of one object; a missing field and an explicit null are both `undefined`, as in llama-server. */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;

  constructor(object: unknown, path = "") {
    if (!isObject(object))
      refuse(path ? `'${path}' must be an object` : "the request body must be a JSON object");
    this.#object = object;
    this.#path = path;
  }

  /** The full name of a field, for messages: `messages[0].role`. */
  name(field: string): string {
    return this.#path ? `${this.#path}.${field}` : field;
  }

  raw(field: string): unknown {
    return this.#object[field] ?? undefined;
  }

  has(field: string): boolean {
    return this.raw(field) !== undefined;
  }

  text(field: string): string | undefined {
    const value = this.raw(field);
    if (value !== undefined && typeof value !== "string") refuse(`'${this.name(field)}' must be a string`);
    return value;
  }

  requiredText(field: string): string {
    return this.text(field) ?? refuse(`'${this.name(field)}' is required`);
  }

  flag(field: string): boolean | undefined {
    const value = this.raw(field);
    if (value !== undefined && typeof value !== "boolean") refuse(`'${this.name(field)}' must be a boolean`);
    return value;
  }

  number(field: string, { min = -Infinity, max = Infinity }: Range = {}): number | undefined {
    const value = this.raw(field);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || Number.isNaN(value))
      return refuse(`'${this.name(field)}' must be a number`);
    if (value < min || value > max) return refuse(`'${this.name(field)}' must be between ${min} and ${max}`);
    return value;
  }

  integer(field: string, range: Range = {}): number | undefined {
    const value = this.number(field, range);
    if (value !== undefined && !Number.isInteger(value)) refuse(`'${this.name(field)}' must be an integer`);
    return value;
  }

  list(field: string): readonly unknown[] | undefined {
    const value = this.raw(field);
    if (value !== undefined && !Array.isArray(value)) refuse(`'${this.name(field)}' must be an array`);
    return value as readonly unknown[] | undefined;
  }

  object(field: string): Fields | undefined {
    const value = this.raw(field);
    return value === undefined ? undefined : new Fields(value, this.name(field));
  }

  /** One of a few words. */
  choice<const T extends string>(field: string, words: readonly T[]): T | undefined {
    const value = this.text(field);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    return (
      word ?? refuse(`'${this.name(field)}' must be one of ${words.map((each) => `'${each}'`).join(", ")}`)
    );
  }
}
