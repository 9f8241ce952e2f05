import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";

/** Reads a JSON request's text, at most `limitBytes` of it. */
export async function readBody(request: Request, limitBytes: number): Promise<Result<string, Failure>> {
  const contentType = request.headers.get("content-type");
  if (contentType !== null && !/^application\/(.+\+)?json\b/i.test(contentType))
    return err({ kind: "unsupported_media_type", contentType });
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limitBytes) return err({ kind: "body_too_large", limitBytes });
  try {
    if (declared !== null) return ok(await request.text());
    return request.body ? await readCounting(request.body, limitBytes) : ok("");
  } catch {
    // Nothing else ends a body that the client is sending.
    return err({ kind: "client_gone" });
  }
}

/** A body that does not say how long it is. */
async function readCounting(
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
): Promise<Result<string, Failure>> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = "";
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ok(text + decoder.decode());
    sizeBytes += value.byteLength;
    if (sizeBytes > limitBytes) {
      await reader.cancel().catch(() => undefined);
      return err({ kind: "body_too_large", limitBytes });
    }
    text += decoder.decode(value, { stream: true });
  }
}
