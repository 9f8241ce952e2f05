import { parseArgs } from "node:util";
import { type EngineKind, engineKinds } from "../../shared/engines/engines.ts";
import { checks } from "./checks/checks.ts";

/** Which engine is to be checked, and what of it. */
export type Options = {
  readonly kind: EngineKind;
  readonly url: string;
  /** The first model that the engine lists where absent. */
  readonly model?: string;
  /** The chat model where absent, as for the following. */
  readonly embeddingModel?: string;
  readonly rerankModel?: string;
  readonly apiKey?: string;
  /** Where the recorded answers go, in a folder of the kind's own. */
  readonly out?: string;
  /** Only these checks, by their ids. */
  readonly only?: readonly string[];
  /** Longest wait for one answer, in milliseconds. */
  readonly timeoutMs: number;
};

export const USAGE = `npm run conformance -- --kind KIND --url http://127.0.0.1:PORT [options]
  --kind KIND             ${engineKinds.join(" | ")}
  --url URL               the engine's base URL
  --model NAME            a chat model (the first that the engine lists)
  --embedding-model NAME  a model for embeddings (the chat model)
  --rerank-model NAME     a model for reranking (the embedding model)
  --api-key KEY           the engine's own key
  --only ID,ID            only these checks
  --timeout SECONDS       longest wait for one answer (300)
  --out FOLDER            keep every answer's bytes in FOLDER/KIND-real`;

/** Reads the command line; a text says what is wrong with it. */
export function readOptions(args: readonly string[]): Options | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const kind = engineKinds.find((each) => each === values.kind);
  if (!kind) return `--kind must be one of ${engineKinds.join(", ")}`;
  const url = URL.parse(values.url ?? "");
  if (!url || !/^https?:$/.test(url.protocol)) return "--url must be an engine's base URL, http or https";
  const seconds = Number(values.timeout ?? 300);
  if (!(seconds > 0)) return "--timeout must be a number of seconds";
  const only = values.only?.split(",").map((id) => id.trim());
  const stranger = only?.find((id) => !checks.some((check) => check.id === id));
  if (stranger !== undefined)
    return `--only: no check ${JSON.stringify(stranger)}; there are ${checks.map(({ id }) => id).join(", ")}`;
  return {
    kind,
    url: url.href,
    timeoutMs: seconds * 1000,
    ...(values.model && { model: values.model }),
    ...(values["embedding-model"] && { embeddingModel: values["embedding-model"] }),
    ...(values["rerank-model"] && { rerankModel: values["rerank-model"] }),
    ...(values["api-key"] && { apiKey: values["api-key"] }),
    ...(values.out && { out: values.out }),
    ...(only && { only }),
  };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    options: {
      kind: { type: "string" },
      url: { type: "string" },
      model: { type: "string" },
      "embedding-model": { type: "string" },
      "rerank-model": { type: "string" },
      "api-key": { type: "string" },
      out: { type: "string" },
      only: { type: "string" },
      timeout: { type: "string" },
    },
  }).values;
