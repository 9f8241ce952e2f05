import type { Schema } from "./document.ts";

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function range(min: number | undefined, max: number | undefined): string | undefined {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? undefined : `at most ${max}`;
}

/** Bounds on a number of things. One at least is said as what it means: not empty. */
function amount(min: number | undefined, max: number | undefined, noun: string): string | undefined {
  if (min === 1 && max === undefined) return "not empty";
  if (min !== undefined && max !== undefined) return `${min} to ${count(max, noun)}`;
  if (min !== undefined) return `at least ${count(min, noun)}`;
  return max === undefined ? undefined : `at most ${count(max, noun)}`;
}

/** A schema's bounds, each in a few words. */
export function rulesOf(schema: Schema): string[] {
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  const rules = [
    schema.format,
    range(schema.minimum, schema.maximum),
    typeof above === "number" && `more than ${above}`,
    typeof below === "number" && `less than ${below}`,
    schema.multipleOf !== undefined && `a multiple of ${schema.multipleOf}`,
    amount(schema.minLength, schema.maxLength, "character"),
    schema.pattern !== undefined && `matches \`${schema.pattern}\``,
    amount(schema.minItems, schema.maxItems, "item"),
    schema.uniqueItems === true && "no item twice",
    isFree(schema) && "any fields",
  ];
  return rules.filter((rule) => typeof rule === "string");
}

/** Whether a schema is an object that names no field and takes all. */
function isFree({ properties = {}, additionalProperties: more }: Schema): boolean {
  const takesAll = more === true || (typeof more === "object" && Object.keys(more).length === 0);
  return takesAll && Object.keys(properties).length === 0;
}
