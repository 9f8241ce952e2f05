import { describe, expect, it } from "vitest";
import { ROUTES } from "./app.ts";
import { type ApiDocument, METHODS, type ResponseObject } from "./docs/document.ts";
import { createOpenApi } from "./openapi.ts";

const { paths = {} }: ApiDocument = createOpenApi("https://ai.example.com");
const served = ROUTES.map(([method, path]) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
const described = Object.entries(paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => `${method} ${path}`),
);

describe("the OpenAPI document", () => {
  it("has every route that the app has, and no other", () => {
    expect(described.toSorted()).toEqual(served.toSorted());
  });

  it.each([
    ["/v1/chat/completions", true],
    ["/v1/completions", true],
    ["/v1/embeddings", false],
    ["/v1/rerank", false],
  ])("names the headers that %s reads and writes", (path, streams) => {
    const operation = paths[path]?.post;
    const names = (operation?.parameters ?? []).flatMap((each) => ("name" in each ? each.name : []));
    expect(names.toSorted()).toEqual([
      ...(streams ? ["x-eco-continue"] : []),
      "x-eco-engine",
      ...(streams ? ["x-eco-keep-alive"] : []),
      "x-eco-priority",
      "x-eco-session",
    ]);
    const { headers = {} } = (operation?.responses?.[200] ?? {}) as ResponseObject;
    expect(Object.keys(headers).toSorted()).toEqual([
      "x-eco-attempts",
      "x-eco-engine",
      "x-eco-engine-ms",
      "x-eco-overhead-ms",
      "x-eco-queue-ms",
      "x-eco-request-id",
      "x-request-id",
    ]);
  });
});
