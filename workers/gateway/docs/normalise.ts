import { type Schema, type Schemas, schemaName } from "./document.ts";

/**
 * A schema with its reference followed, its `allOf` merged, and `null` taken out of it: what people read it as.
 * `name` is that of the named schema it stands for.
 */
export type Plain = {
  readonly schema: Schema;
  readonly name: string | undefined;
  readonly nullable: boolean;
};

/** Reads a schema as people do. A reference to nothing is a schema without a rule that still has its name. */
export function normalise(schema: Schema, schemas: Schemas): Plain {
  if (schema.$ref !== undefined) {
    const { $ref, ...beside } = schema;
    const name = schemaName($ref);
    const { [name]: target = {} } = schemas;
    // A name for another name is rare enough to be followed one step only, which also ends a circle of names.
    const { schema: found, nullable } =
      target.$ref === undefined ? normalise(target, schemas) : { schema: target, nullable: false };
    return { schema: { ...found, ...beside }, name, nullable };
  }
  if (schema.allOf) return mergeAll(schema, schema.allOf, schemas);
  const union = schema.anyOf ?? schema.oneOf;
  return union ? withoutNullForm(schema, union, schemas) : withoutNullType(schema);
}

const isNull = ({ type, const: value }: Schema): boolean => type === "null" || value === null;

function withoutNullType(schema: Schema): Plain {
  const types = typesOf(schema);
  const rest = types.filter((type) => type !== "null");
  if (rest.length === types.length || rest.length === 0) return { schema, name: undefined, nullable: false };
  const { enum: values, ...others } = schema;
  const plain: Schema = { ...others, type: rest.length === 1 ? rest[0] : rest };
  return {
    schema: values ? { ...plain, enum: values.filter((value) => value !== null) } : plain,
    name: undefined,
    nullable: true,
  };
}

function withoutNullForm(schema: Schema, union: readonly Schema[], schemas: Schemas): Plain {
  const forms = union.filter((form) => !isNull(form));
  const nullable = forms.length < union.length;
  const { anyOf: _any, oneOf: _one, ...beside } = schema;
  const [only] = forms;
  if (!only || forms.length > 1) return { schema: { ...beside, oneOf: forms }, name: undefined, nullable };
  const inner = normalise(only, schemas);
  return { schema: { ...inner.schema, ...beside }, name: inner.name, nullable: nullable || inner.nullable };
}

/** `allOf` of a named schema and of `{ type: [..., "null"] }` is how our generator writes "that schema, or null". */
function mergeAll(schema: Schema, parts: readonly Schema[], schemas: Schemas): Plain {
  const { allOf: _all, ...beside } = schema;
  const plains = parts.map((part) => normalise(part, schemas));
  const all = [...plains.map((plain) => plain.schema), beside];
  const names = plains.flatMap(({ name }) => name ?? []);
  const adds = plains.some((plain) => plain.name === undefined && plain.schema.properties !== undefined);
  const properties = Object.assign({}, ...all.map((part) => part.properties ?? {})) as Record<string, Schema>;
  const required = [...new Set(all.flatMap((part) => part.required ?? []))];
  return {
    schema: {
      ...(Object.assign({}, ...all) as Schema),
      ...(Object.keys(properties).length > 0 && { properties, required }),
    },
    name: names.length === 1 && !adds && !beside.properties ? names[0] : undefined,
    nullable: plains.some((plain) => plain.nullable),
  };
}

/** A schema's types as a list; where it names none, what its other rules say. */
export function typesOf(schema: Schema): readonly string[] {
  if (typeof schema.type === "string") return [schema.type];
  if (schema.type) return schema.type;
  if (schema.properties) return ["object"];
  return schema.items ? ["array"] : [];
}
