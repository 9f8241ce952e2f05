import { curlOf } from "./commands.ts";
import type { Content, Schema, Schemas } from "./document.ts";
import { JSON_TYPE, isObject, requestOf } from "./example-request.ts";
import { exampleOf } from "./examples.ts";
import type { Operation } from "./operations.ts";

/** A piece of code and what it is. */
export type Sample = { readonly caption: string; readonly code: string };

export const STREAM_TYPE = "text/event-stream";

/** What an operation answers when all goes well. */
const successOf = ({ responses }: Operation): Content | undefined =>
  responses.find(({ status }) => status.startsWith("2"))?.response.content;

/** The schema of a streamed answer's events; undefined where an operation does not stream. */
export const chunkOf = (operation: Operation): Schema | undefined =>
  successOf(operation)?.[STREAM_TYPE]?.schema;

/** How to call an operation and what comes back; as a stream too where it can be one. */
export function samplesOf(operation: Operation, serverUrl: string, schemas: Schemas): Sample[] {
  const { request, known } = requestOf(operation, serverUrl, schemas);
  const whole = successOf(operation)?.[JSON_TYPE];
  const chunk = chunkOf(operation);
  const samples: Sample[] = [{ caption: "Request", code: curlOf(request) }];
  if (whole?.schema && hasInside(whole.schema)) {
    samples.push({
      caption: "Answer",
      code: jsonText(whole.example ?? exampleOf(whole.schema, { schemas, known })),
    });
  }
  if (chunk && isObject(request.body)) {
    const body = { ...request.body, stream: true };
    samples.push({ caption: "Request for a stream", code: curlOf({ ...request, body, streamed: true }) });
    samples.push({ caption: "Streamed answer", code: streamOf(chunk, schemas, known) });
  }
  return samples;
}

const hasInside = (schema: Schema): boolean =>
  schema.$ref !== undefined || Object.keys(schema.properties ?? {}).length > 0;

/** A value as indented JSON. */
export const jsonText = (value: unknown): string => JSON.stringify(value, null, 2) ?? "null";

/** Server-sent events with these data. */
export const eventsText = (data: readonly string[]): string =>
  data.map((each) => `data: ${each}`).join("\n\n");

/** A stream's first piece, its last one, and the end mark. What differs between the two is how OpenAI's streams go. */
function streamOf(chunk: Schema, schemas: Schemas, known: Readonly<Record<string, unknown>>): string {
  const first = exampleOf(chunk, { schemas, known: { ...known, text: "there was", finish_reason: null } });
  const last = exampleOf(chunk, { schemas, known: { ...known, delta: {}, text: "", finish_reason: "stop" } });
  return eventsText([JSON.stringify(first), JSON.stringify(last), "[DONE]"]);
}
