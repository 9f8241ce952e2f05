import { Ajv2020 } from "ajv/dist/2020.js";
import type { Check } from "./openai-types.ts";

type Operation = {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
};

/** The part of an OpenAPI 3.1 document that answers are checked against. */
export type OpenApiDocument = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
};

/** Where an answer came from. `mediaType` is its content type without parameters. */
export type Origin = {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly mediaType: string;
};

/** Judges an answer of some origin by the document; undefined where the document does not know the path or method. */
export type DocumentedAnswer = (origin: Origin) => Check | undefined;

const pointer = (...steps: string[]): string =>
  steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/**
 * Holds answers to our own public description: the status and media type must be listed for the path, and the body
 * must satisfy the schema.
 */
export function documentedAnswers(document: OpenApiDocument): DocumentedAnswer {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, "openapi");
  // An id may have slashes in it, so the longest template that fits is meant.
  const templates = Object.keys(document.paths).toSorted((a, b) => b.length - a.length);
  const patterns = templates.map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, ".+")}$`),
  }));
  const compiled = new Map<string, Check>();
  return ({ method, path, status, mediaType }) => {
    const template = patterns.find(({ pattern }) => pattern.test(path))?.template;
    const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
    if (template === undefined || !operation) return undefined;
    const content = operation.responses[status]?.content;
    if (!content) return () => `is of status ${status}, which ${method} ${template} does not list`;
    if (!content[mediaType])
      return () => `is ${mediaType}, which ${method} ${template} does not list for ${status}`;
    const at = pointer(
      "paths",
      template,
      method.toLowerCase(),
      "responses",
      String(status),
      "content",
      mediaType,
      "schema",
    );
    const known = compiled.get(at);
    if (known) return known;
    const validate = ajv.compile({ $ref: `openapi#${encodeURI(at)}` });
    const check: Check = (value) =>
      validate(value)
        ? undefined
        : `is not as ${method} ${template} is described: ${ajv.errorsText(validate.errors)}`;
    compiled.set(at, check);
    return check;
  };
}
