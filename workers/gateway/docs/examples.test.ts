import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { createOpenApi } from "../openapi.ts";
import type { ApiDocument, Schema, Schemas } from "./document.ts";
import { exampleOf, exampleOfField } from "./examples.ts";
import { requestOf } from "./example-request.ts";
import { groupOperations } from "./operations.ts";
import { chunkOf, samplesOf } from "./samples.ts";
import { createSlugs } from "./slugs.ts";

const serverUrl = "https://ai.example.com";
const document: ApiDocument = createOpenApi(serverUrl);
const schemas = document.components?.schemas ?? {};
const operations = groupOperations(document, createSlugs()).flatMap((group) => group.operations);

const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema({ $id: "doc", components: { schemas } });

/** What is wrong with a value by a schema of the document. */
function faultsOf(schema: Schema, value: unknown): unknown {
  const absolute = JSON.parse(
    JSON.stringify(schema).replaceAll('"#/components', '"doc#/components'),
  ) as Schema;
  const validate = ajv.compile(absolute);
  return validate(value) ? undefined : validate.errors;
}

describe("examples of the real document", () => {
  it.each(Object.entries(schemas))("%s satisfies its schema", (_, schema) => {
    expect(faultsOf(schema, exampleOf(schema, { schemas }))).toBeUndefined();
  });

  it.each(operations.map((each) => [`${each.method} ${each.path}`, each] as const))(
    "%s: the request is one that it takes",
    (_, operation) => {
      const schema = operation.body?.content["application/json"]?.schema;
      const { request } = requestOf(operation, serverUrl, schemas);
      expect(request.url).not.toMatch(/[{}]/);
      if (schema) expect(faultsOf(schema, request.body)).toBeUndefined();
      else expect(request.body).toBeUndefined();
    },
  );

  it.each(operations.map((each) => [`${each.method} ${each.path}`, each] as const))(
    "%s: the answers are of the form that it gives",
    (_, operation) => {
      const samples = samplesOf(operation, serverUrl, schemas);
      const sample = (caption: string): string | undefined =>
        samples.find((each) => each.caption === caption)?.code;
      const answer = sample("Answer");
      const success = operation.responses.find(({ status }) => status === "200")?.response.content?.[
        "application/json"
      ]?.schema;
      if (answer !== undefined) expect(faultsOf(success ?? {}, JSON.parse(answer))).toBeUndefined();
      const chunk = chunkOf(operation);
      expect(sample("Streamed answer") !== undefined).toBe(chunk !== undefined);
      if (!chunk) return;
      const events = (sample("Streamed answer") ?? "")
        .split("\n\n")
        .map((event) => event.replace("data: ", ""));
      expect(events.pop()).toBe("[DONE]");
      expect(events).toHaveLength(2);
      for (const event of events) expect(faultsOf(chunk, JSON.parse(event))).toBeUndefined();
      expect(sample("Request for a stream")).toMatch(/^curl -N [^]*"stream": true/);
    },
  );

  it("asks as the user, and for a model that the document names", () => {
    const chat = operations.find(({ path }) => path === "/v1/chat/completions");
    const model = exampleOfField("model", schemas);
    expect(model).toBeTypeOf("string");
    expect(chat && requestOf(chat, serverUrl, schemas).request.body).toEqual({
      model,
      messages: [{ role: "user", content: "Hello!" }],
    });
    const show = operations.find(({ path }) => path === "/v1/models/{id}");
    expect(show && requestOf(show, serverUrl, schemas).request.url).toBe(`${serverUrl}/v1/models/${model}`);
  });
});

describe("an example", () => {
  const none: Schemas = {};
  it.each<[string, Schema, unknown]>([
    ["is the schema's own", { type: "string", example: "a" }, "a"],
    ["is the first of several", { type: "string", examples: ["a", "b"] }, "a"],
    ["is the default", { type: "integer", default: 5 }, 5],
    ["is a constant", { const: "list" }, "list"],
    ["is the first value", { type: "string", enum: ["low", "high"] }, "low"],
    ["keeps to the bounds", { type: "number", minimum: 3 }, 3],
    ["keeps to the bounds below zero", { type: "number", maximum: -3 }, -3],
    [
      "leaves out what is optional",
      { type: "object", properties: { a: { type: "boolean" }, b: {} }, required: ["a"] },
      { a: true },
    ],
    ["has no object where there may be none", { type: ["object", "null"], properties: {} }, null],
    ["has one item", { type: "array", items: { type: "string" } }, ["string"]],
  ])("%s", (_, schema, expected) => {
    expect(exampleOf(schema, { schemas: none })).toEqual(expected);
  });

  it("passes over a word that is not of the schema's type", () => {
    const schema: Schema = {
      type: "object",
      properties: { ready: { type: "integer" }, role: { type: "number" } },
      required: ["ready", "role"],
    };
    expect(exampleOf(schema, { schemas: none })).toEqual({ ready: 2, role: 0 });
  });

  it("ends where a schema requires itself", () => {
    const tree: Schema = {
      type: "object",
      properties: { next: { $ref: "#/components/schemas/Tree" } },
      required: ["next"],
    };
    expect(JSON.stringify(exampleOf(tree, { schemas: { Tree: tree } })).length).toBeLessThan(500);
  });
});
