import type { Schema, Schemas } from "./document.ts";
import { normalise, typesOf } from "./normalise.ts";
import { rulesOf } from "./rules.ts";

/** A type in words; a part that is an object is the name of a schema. */
export type TypeLabel = readonly (string | { readonly schema: string })[];

/** What the reference tells of a schema, as data. */
export type Shape = {
  readonly type: TypeLabel;
  /** The schema's bounds, each in a few words. */
  readonly rules: readonly string[];
  /** The values it may have, where they are listed. */
  readonly values: readonly unknown[];
  readonly description: string | undefined;
  readonly deprecated: boolean;
  /** Undefined where there is none. */
  readonly default: unknown;
  /** The fields of the object, or of the objects in the array. */
  readonly fields: readonly Field[];
  /** Instead of fields: the forms that the value, or the array's items, may have. */
  readonly forms: readonly Shape[];
  /** Whether the object may have more fields than it names. */
  readonly open: boolean;
};

export type Field = { readonly name: string; readonly required: boolean; readonly shape: Shape };

/** Within a named schema this many more are shown in full; those within them by name only, which also ends recursion. */
const NAMES_DEPTH_MAX = 2;

/** Describes a schema. `depth` counts the named schemas around it. */
export function shapeOf(schema: Schema, schemas: Schemas, depth = 0): Shape {
  const { schema: plain, name, nullable } = normalise(schema, schemas);
  const inside = depth + (name === undefined ? 0 : 1);
  const parts = inside <= NAMES_DEPTH_MAX ? partsOf(plain, schemas, inside) : surfaceOf(plain);
  return {
    type: [...(name === undefined ? parts.type : [{ schema: name }]), ...(nullable ? [" or null"] : [])],
    rules: parts.rules,
    values: parts.values,
    fields: parts.fields,
    forms: parts.forms,
    open: parts.open,
    description: plain.description,
    deprecated: plain.deprecated ?? false,
    default: plain.default,
  };
}

type Parts = Pick<Shape, "type" | "rules" | "values" | "fields" | "forms" | "open">;

function partsOf(schema: Schema, schemas: Schemas, depth: number): Parts {
  if (schema.oneOf) return unionParts(schema.oneOf, schemas, depth);
  const surface = surfaceOf(schema);
  const types = typesOf(schema);
  if (types.length === 1 && types[0] === "array") {
    const item = shapeOf(schema.items ?? {}, schemas, depth);
    return { ...item, type: ["array of ", ...item.type], rules: [...surface.rules, ...item.rules.map(each)] };
  }
  if (types.length === 1 && types[0] === "object")
    return { ...surface, ...objectParts(schema, schemas, depth) };
  return surface;
}

/** What a schema says of itself without a look inside. */
function surfaceOf(schema: Schema): Parts {
  const inside = { fields: [], forms: [], open: false };
  const values = constantsOf(schema);
  const type = typesOf(schema).join(" or ");
  if (values.length === 1) return { ...inside, type: [JSON.stringify(values[0])], rules: [], values: [] };
  return {
    ...inside,
    type: [type || (values.length > 0 ? "one of" : "anything")],
    rules: rulesOf(schema),
    values,
  };
}

const each = (rule: string): string => (rule.startsWith("each ") ? rule : `each ${rule}`);

function objectParts(
  schema: Schema,
  schemas: Schemas,
  depth: number,
): Pick<Parts, "type" | "fields" | "open"> {
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    required: schema.required?.includes(name) ?? false,
    shape: shapeOf(property, schemas, depth),
  }));
  const more = schema.additionalProperties;
  const open = more === true || (typeof more === "object" && Object.keys(more).length === 0);
  if (typeof more !== "object" || open || fields.length > 0) return { type: ["object"], fields, open };
  const value = shapeOf(more, schemas, depth);
  const rules = value.rules.length > 0 ? ` (${value.rules.join(", ")})` : "";
  return { type: ["object of ", ...value.type, rules], fields: value.fields, open };
}

function unionParts(union: readonly Schema[], schemas: Schemas, depth: number): Parts {
  const forms = mergeForms(union).map((form) => shapeOf(form, schemas, depth));
  const labels = new Map(forms.map((form) => [textOf(form.type), form.type]));
  const type = [...labels.values()].flatMap((label, at) => (at === 0 ? label : [" or ", ...label]));
  return { type, rules: [], values: [], fields: [], forms, open: false };
}

/** Whether all there is to know of a form is on one line. */
export const isFlat = ({ fields, forms, values }: Shape): boolean =>
  fields.length === 0 && forms.length === 0 && values.length === 0;

/** A type's words without its links. */
export const textOf = (type: TypeLabel): string =>
  type.map((part) => (typeof part === "string" ? part : part.schema)).join("");

/** Forms that differ in one constant only (`role`: system, developer, user) become one form that lists its values. */
function mergeForms(union: readonly Schema[]): readonly Schema[] {
  const tag = tagOf(union);
  if (tag === undefined) return union;
  const merged = new Map<string, Schema[]>();
  for (const form of union) {
    const key = JSON.stringify({ ...form, properties: { ...form.properties, [tag]: undefined } });
    merged.set(key, [...(merged.get(key) ?? []), form]);
  }
  return [...merged.values()].map((forms) => {
    const [first = {}] = forms;
    if (forms.length === 1) return first;
    const values = forms.flatMap((form) => constantsOf(form.properties?.[tag]));
    return { ...first, properties: { ...first.properties, [tag]: { type: "string", enum: values } } };
  });
}

const constantsOf = (schema: Schema | undefined): readonly unknown[] =>
  schema?.const === undefined ? (schema?.enum ?? []) : [schema.const];

/** The field by whose constant the forms of a union are told apart. */
export function tagOf(union: readonly Schema[]): string | undefined {
  const names = Object.keys(union[0]?.properties ?? {});
  return names.find((name) => union.every((form) => constantsOf(form.properties?.[name]).length === 1));
}
