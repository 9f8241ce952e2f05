/** The fields that hold an answer to a form: `response_format`, `json_schema` and `grammar`. At most one of them. */
import type { Result } from "./failure.ts";
import { invalid, ok } from "./failure.ts";
import type { Fields } from "./fields.ts";
import { reading, refuse } from "./fields.ts";
import { OWN_GRAMMAR, SCHEMA_GRAMMAR, exceeds } from "./grammar-bounds.ts";
import { JSON_OBJECT_GRAMMAR, schemaGrammar } from "./json-grammar.ts";

type Constraint = { field: string; grammar?: string; schema?: unknown };

/** The GBNF that the request asks for, if any. `accepts` says whether llama.cpp can parse a client's own GBNF. */
export function readConstraint(
  fields: Fields,
  accepts: (gbnf: string) => boolean,
): Result<string | undefined> {
  const found = reading(() =>
    [readResponseFormat(fields), readJsonSchema(fields), readGrammar(fields)].filter(
      (each) => each !== undefined,
    ),
  );
  if (!found.ok) return found;
  const [constraint, other] = found.value;
  if (!constraint) return ok(undefined);
  if (other) return invalid(`'${constraint.field}' and '${other.field}' cannot be used together`);
  const grammar =
    constraint.grammar === undefined
      ? schemaGrammar(constraint.schema, constraint.field)
      : ok(constraint.grammar);
  if (!grammar.ok) return grammar;
  const isOwn = constraint.field === "grammar";
  const excess = exceeds(grammar.value, isOwn ? OWN_GRAMMAR : SCHEMA_GRAMMAR);
  if (excess !== undefined) return invalid(`'${constraint.field}' ${isOwn ? "" : "as a grammar "}${excess}`);
  return accepts(grammar.value) ? grammar : invalid(`'${constraint.field}' cannot be turned into a grammar`);
}

function readResponseFormat(fields: Fields): Constraint | undefined {
  const format = fields.object("response_format");
  if (!format) return undefined;
  const type = format.choice("type", ["text", "json_object", "json_schema"]);
  if (!type) return refuse("'response_format.type' is required");
  if (type === "text") return undefined;
  if (type === "json_schema") {
    const wrapper = format.object("json_schema");
    const schema = wrapper ? wrapper.raw("schema") : format.raw("schema");
    if (schema === undefined) return refuse("'response_format.json_schema.schema' is required");
    return { field: "response_format.json_schema.schema", schema };
  }
  const schema = format.raw("schema");
  return schema === undefined
    ? { field: "response_format", grammar: JSON_OBJECT_GRAMMAR }
    : { field: "response_format.schema", schema };
}

function readJsonSchema(fields: Fields): Constraint | undefined {
  return fields.has("json_schema") ? { field: "json_schema", schema: fields.raw("json_schema") } : undefined;
}

function readGrammar(fields: Fields): Constraint | undefined {
  const grammar = fields.text("grammar");
  return grammar ? { field: "grammar", grammar } : undefined;
}
