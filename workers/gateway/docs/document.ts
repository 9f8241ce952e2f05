/** The part of a JSON Schema (2020-12, as OpenAPI 3.1 has it) that the reference shows. */
export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number | boolean;
  readonly exclusiveMaximum?: number | boolean;
  readonly multipleOf?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
};

/** The schemas that have a name. */
export type Schemas = Readonly<Record<string, Schema>>;

type Ref = { readonly $ref: string };

/** A body by its media types. */
export type Content = Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;

export type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly deprecated?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema?: Schema;
};

export type RequestBody = {
  readonly description?: string;
  readonly required?: boolean;
  readonly content: Content;
};
export type ResponseObject = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description?: string }>>;
  readonly content?: Content;
};
type Security = readonly Readonly<Record<string, readonly string[]>>[];

export type OperationObject = {
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  /** The path of the operation that this is another address of. */
  readonly "x-same-as"?: string;
  readonly tags?: readonly string[];
  readonly security?: Security;
  readonly parameters?: readonly (Parameter | Ref)[];
  readonly requestBody?: RequestBody | Ref;
  readonly responses?: Readonly<Record<string, ResponseObject | Ref>>;
};

/** The methods that an OpenAPI path can have, in the order in which they are shown. */
export const METHODS = ["get", "head", "post", "put", "patch", "delete", "options", "trace"] as const;
export type Method = (typeof METHODS)[number];

export type PathItem = { readonly [M in Method]?: OperationObject } & {
  readonly parameters?: readonly (Parameter | Ref)[];
};

/** An OpenAPI 3.1 document, as far as the reference shows it: https://spec.openapis.org/oas/v3.1.0 */
export type ApiDocument = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly security?: Security;
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths?: Readonly<Record<string, PathItem>>;
  readonly components?: {
    readonly schemas?: Schemas;
    readonly securitySchemes?: Readonly<Record<string, { readonly description?: string } | Ref>>;
  };
};

/** The name of the schema that a `$ref` points to. */
export const schemaName = (ref: string): string => decodeURIComponent(ref.slice(ref.lastIndexOf("/") + 1));

/** What a `$ref` within the document points to, or the value itself where it is none. */
export function deref<T extends object>(document: ApiDocument, value: T | Ref): T | undefined {
  if (!("$ref" in value) || typeof value.$ref !== "string") return value as T;
  let target: unknown = document;
  for (const step of value.$ref.replace(/^#\//, "").split("/")) {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    target =
      typeof target === "object" && target !== null ? (target as Record<string, unknown>)[key] : undefined;
  }
  return target as T | undefined;
}
