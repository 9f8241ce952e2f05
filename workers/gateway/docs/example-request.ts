import type { ExampleRequest } from "./commands.ts";
import type { Parameter, Schemas } from "./document.ts";
import { exampleOf, exampleOfField } from "./examples.ts";
import type { Operation } from "./operations.ts";

export const JSON_TYPE = "application/json";

/** A request, and what of it comes back in the answer, by the names of fields. */
export type ExampleCall = {
  readonly request: ExampleRequest;
  readonly known: Readonly<Record<string, unknown>>;
};

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A call of an operation with the least that it needs. */
export function requestOf(operation: Operation, serverUrl: string, schemas: Schemas): ExampleCall {
  const { method, path, keyed, parameters, body: accepted } = operation;
  const media = accepted?.content[JSON_TYPE];
  const body = media && (media.example ?? exampleOf(media.schema ?? {}, { schemas }));
  const inPath = Object.fromEntries(
    parameters
      .filter((each) => each.in === "path")
      .map((each) => [each.name, valueOf(each, nounOf(path, each.name), schemas)]),
  );
  const query = parameters
    .filter((each) => each.in === "query" && each.required === true)
    .map(
      (each) =>
        `${encodeURIComponent(each.name)}=${encodeURIComponent(String(valueOf(each, each.name, schemas)))}`,
    );
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) =>
    encodeURI(String(inPath[name] ?? name)),
  );
  const model = isObject(body) && "model" in body ? { model: body.model } : {};
  return {
    request: {
      method,
      url: serverUrl + [filled, ...(query.length > 0 ? [query.join("&")] : [])].join("?"),
      keyed,
      body,
    },
    known: { ...inPath, ...model },
  };
}

const valueOf = ({ example, schema = {} }: Parameter, noun: string, schemas: Schemas): unknown =>
  example ?? schema.example ?? exampleOfField(noun, schemas) ?? exampleOf(schema, { schemas });

/** What a part of a path names: the `{id}` of `/models/{id}` is a model, which is what other schemas have in `model`. */
function nounOf(path: string, name: string): string {
  const before =
    path
      .slice(0, path.indexOf(`{${name}}`))
      .split("/")
      .at(-2) ?? name;
  return before.replace(/s$/, "");
}
