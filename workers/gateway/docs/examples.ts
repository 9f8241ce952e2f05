import type { Schema, Schemas } from "./document.ts";
import { WORDS } from "./example-words.ts";
import { normalise, typesOf } from "./normalise.ts";
import { tagOf } from "./shape.ts";

/** What an example is made from: the named schemas, and the values of fields that are settled by where it stands. */
export type ExampleContext = {
  readonly schemas: Schemas;
  readonly known?: Readonly<Record<string, unknown>>;
};

/** Where in an example a schema stands: the field's name, and the nearest named schema around it. */
type Place = { readonly field?: string; readonly owner?: string; readonly depth: number };

/** Deeper than this an example is cut short: only a schema that requires itself goes there. */
const DEPTH_MAX = 12;

/**
 * A small value of the schema's form: its own example where it has one, else the required fields and no more. Patterns and
 * lengths of texts are not looked at.
 */
export const exampleOf = (schema: Schema, context: ExampleContext): unknown =>
  build(schema, context, { depth: 0 });

function build(schema: Schema, context: ExampleContext, place: Place): unknown {
  const { schema: plain, name, nullable } = normalise(schema, context.schemas);
  const here: Place = { ...place, owner: name ?? place.owner, depth: place.depth + 1 };
  const settled = candidatesFor(plain, context, place).find((value) =>
    value === null ? nullable : fits(value, plain),
  );
  if (settled !== undefined) return settled;
  if (here.depth > DEPTH_MAX) return null;
  if (plain.oneOf) return build(likeliest(plain.oneOf), context, here);
  const values = plain.const === undefined ? plain.enum : [plain.const];
  if (values && values.length > 0) return values[0];
  const [type] = typesOf(plain);
  // Null says "there is none" just as well as an invented object, and is shorter.
  if (nullable && (type === "object" || type === "array")) return null;
  if (type === "object") return buildObject(plain, context, here);
  if (type === "array")
    return plain.items ? [build(plain.items, context, { ...here, field: undefined })] : [];
  return scalar(type, plain);
}

/** Values that may stand here, best first. */
function candidatesFor(
  schema: Schema,
  { known, schemas }: ExampleContext,
  { field, owner }: Place,
): unknown[] {
  const explicit = [schema.example, schema.examples?.[0], schema.default].filter(
    (value) => value !== undefined,
  );
  if (field === undefined) return explicit;
  const told = known && field in known ? [known[field]] : [];
  // `Model.id` is what other schemas have in their field `model`.
  const named =
    field === "id" && owner !== undefined ? exampleOfField(owner.toLowerCase(), schemas) : undefined;
  const words = [...(WORDS[`${owner}.${field}`] ?? []), ...(WORDS[field] ?? [])];
  return [...told, ...explicit, ...(named === undefined ? [] : [named]), ...words];
}

/** The first example that the document has for a field of this name. */
export function exampleOfField(name: string, schemas: Schemas): unknown {
  return Object.values(schemas)
    .map((schema) => schema.properties?.[name])
    .map((property) => property?.example ?? property?.examples?.[0])
    .find((example) => example !== undefined);
}

/** Whether a value is of the schema's type. For unions: whether a form that has no further rules takes it. */
function fits(value: unknown, schema: Schema): boolean {
  if (schema.oneOf) return schema.oneOf.some((form) => form.$ref === undefined && fits(value, form));
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values) return values.includes(value);
  return typesOf(schema).some((type) => isOfType(value, type, schema));
}

function isOfType(value: unknown, type: string, schema: Schema): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value) && value.every((item) => fits(item, schema.items ?? {}));
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** The form of a union that an example shows: the one that speaks for the user where there is such a one. */
function likeliest(forms: readonly Schema[]): Schema {
  const tag = tagOf(forms);
  const wanted = tag === undefined ? undefined : WORDS[tag]?.[0];
  return (
    forms.find((form) => tag !== undefined && form.properties?.[tag] && fits(wanted, form.properties[tag])) ??
    forms[0] ??
    {}
  );
}

function buildObject(schema: Schema, context: ExampleContext, place: Place): Record<string, unknown> {
  const properties = Object.entries(schema.properties ?? {});
  const required = properties.filter(([field]) => schema.required?.includes(field));
  // Where nothing is required, an example of nothing would say nothing: show what we have words for.
  const shown = required.length > 0 ? required : properties.filter(([field]) => field in WORDS);
  return Object.fromEntries(
    shown.map(([field, property]) => [field, build(property, context, { ...place, field })]),
  );
}

function scalar(type: string | undefined, schema: Schema): unknown {
  if (type === "integer" || type === "number")
    return Math.max(schema.minimum ?? -Infinity, Math.min(schema.maximum ?? 0, 0));
  if (type === "boolean") return true;
  if (type === "string") return "string";
  return null;
}
