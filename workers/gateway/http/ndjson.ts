import type { Run } from "../run.ts";
import { idHeaders } from "./answer-headers.ts";

/** An answer of lines of JSON, one after the other as they come. Whoever writes them ends the run. */
export function ndjsonResponse(
  run: Run,
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    headers: {
      ...idHeaders(run),
      "content-type": "application/x-ndjson",
      "cache-control": "no-store, no-transform",
      ...headers,
    },
  });
}
