import { Ajv } from "ajv";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Schema } from "ts-json-schema-generator";
import { ROOT } from "../../../scripts/platform/bundle.ts";

/** The types of OpenAI's own client that our answers are held to. */
export const OPENAI_TYPES = [
  "ChatCompletion",
  "ChatCompletionChunk",
  "Completion",
  "CreateEmbeddingResponse",
  "Model",
  "ErrorObject",
] as const;
export type OpenAiType = (typeof OPENAI_TYPES)[number];

/** What is wrong with a value, in one line; undefined where nothing is. */
export type Check = (value: unknown) => string | undefined;

const MODULES = join(ROOT, "node_modules");

async function versionOf(name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(MODULES, name, "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}

/**
 * A judge that we did not write: JSON Schemas made from the types of the `openai` package, so that whatever its users
 * compile against is what they get. More properties than the types name are allowed, fewer are not.
 */
export async function openAiChecks(): Promise<Readonly<Record<OpenAiType, Check>>> {
  const schemas = await openAiSchemas();
  const ajv = new Ajv({ strict: false, allowUnionTypes: true });
  const checks = OPENAI_TYPES.map((type): [OpenAiType, Check] => {
    const validate = ajv.compile(schemas[type]);
    return [
      type,
      (value) => (validate(value) ? undefined : `is no ${type}: ${ajv.errorsText(validate.errors)}`),
    ];
  });
  return Object.fromEntries(checks) as Record<OpenAiType, Check>;
}

/** Making the schemas takes three seconds, so they are kept for as long as neither package changes. */
async function openAiSchemas(): Promise<Record<OpenAiType, Schema>> {
  const [openai, generatorOf] = await Promise.all([
    versionOf("openai"),
    versionOf("ts-json-schema-generator"),
  ]);
  const folder = join(MODULES, ".cache", "eco-base");
  const path = join(folder, `openai-${openai}-schemas-${generatorOf}.json`);
  const kept = await readFile(path, "utf8").catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept) as Record<OpenAiType, Schema>;
  const { createGenerator } = await import("ts-json-schema-generator");
  const generator = createGenerator({
    path: join(MODULES, "openai", "resources", "index.d.ts"),
    skipTypeCheck: true,
    additionalProperties: true,
  });
  const schemas = Object.fromEntries(OPENAI_TYPES.map((type) => [type, generator.createSchema(type)]));
  await mkdir(folder, { recursive: true });
  // Test files run side by side: nobody may read half a file.
  const own = `${path}.${process.pid}`;
  await writeFile(own, JSON.stringify(schemas));
  await rename(own, path);
  return schemas as Record<OpenAiType, Schema>;
}
