import {
  type ApiDocument,
  METHODS,
  type Method,
  type OperationObject,
  type Parameter,
  type PathItem,
  type RequestBody,
  type ResponseObject,
  deref,
} from "./document.ts";
import type { Slugs } from "./slugs.ts";

/** One operation, with everything at hand that its section shows. */
export type Operation = {
  /** Its anchor. */
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  /** Other paths at which there is the same. */
  readonly alsoAt: readonly string[];
  readonly summary: string;
  readonly description: string | undefined;
  readonly deprecated: boolean;
  /** Whether a caller must say who they are. */
  readonly keyed: boolean;
  /** Whether that must be a person who has signed in: no key will do. */
  readonly personal: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: RequestBody | undefined;
  /** By status, in ascending order. */
  readonly responses: readonly { readonly status: string; readonly response: ResponseObject }[];
};

/** The operations of one tag, in the document's order. */
export type OperationGroup = {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly operations: readonly Operation[];
};

/** The operations by their first tag: tags that the document declares come first, in its order. */
export function groupOperations(document: ApiDocument, slugs: Slugs): OperationGroup[] {
  const byTag = new Map<string, [string, PathItem, Method, OperationObject][]>();
  for (const { name } of document.tags ?? []) byTag.set(name, []);
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation || operation["x-same-as"] !== undefined) continue;
      const tag = operation.tags?.[0] ?? "Other";
      byTag.set(tag, [...(byTag.get(tag) ?? []), [path, item, method, operation]]);
    }
  }
  return [...byTag]
    .filter(([, entries]) => entries.length > 0)
    .map(([name, entries]) => ({
      id: slugs(name),
      name,
      description: document.tags?.find((tag) => tag.name === name)?.description,
      operations: entries.map((entry) => readOperation(document, slugs, ...entry)),
    }));
}

function readOperation(
  document: ApiDocument,
  slugs: Slugs,
  path: string,
  item: PathItem,
  method: Method,
  operation: OperationObject,
): Operation {
  const security = operation.security ?? document.security ?? [];
  return {
    id: slugs(`${method} ${path}`),
    method,
    path,
    alsoAt: othersOf(document, path, method),
    summary: operation.summary ?? `${method.toUpperCase()} ${path}`,
    description: operation.description,
    deprecated: operation.deprecated ?? false,
    // An empty requirement in the list means that it also works without.
    keyed: security.length > 0 && security.every((requirement) => Object.keys(requirement).length > 0),
    personal:
      security.length > 0 &&
      security.every((requirement) => "accessToken" in requirement && !("apiKey" in requirement)),
    parameters: mergeParameters(document, item, operation),
    body: operation.requestBody && deref(document, operation.requestBody),
    responses: Object.entries(operation.responses ?? {}).flatMap(([status, value]) => {
      const response = deref(document, value);
      return response ? [{ status, response }] : [];
    }),
  };
}

/** The paths that only say that they are the same as this one. */
const othersOf = ({ paths = {} }: ApiDocument, path: string, method: Method): string[] =>
  Object.entries(paths)
    .filter(([, item]) => item[method]?.["x-same-as"] === path)
    .map(([other]) => other);

/** A path's parameters hold for all of its operations, which may override them. */
function mergeParameters(document: ApiDocument, item: PathItem, operation: OperationObject): Parameter[] {
  const merged = new Map<string, Parameter>();
  for (const each of [...(item.parameters ?? []), ...(operation.parameters ?? [])]) {
    const parameter = deref(document, each);
    if (parameter) merged.set(`${parameter.in} ${parameter.name}`, parameter);
  }
  return [...merged.values()];
}
