import type { Proof } from "./harness.ts";

export { errorOf } from "./asking.ts";

/** Asks the operators' API with an operator's key. A text goes out as it is; `authorization: ""` takes the key away. */
export type AskAdmin = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Response>;

/** The operators' API of a proof. Its answers are judged as all others are. */
export const adminOf =
  (proof: () => Proof): AskAdmin =>
  (method, path, body, headers = {}) =>
    proof().fetch(proof().url + path, {
      method,
      headers: {
        authorization: `Bearer ${proof().adminKey}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
