import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";

/** Reads a JSON request's text, at most `limitBytes` of it. */
export async function readBody(request: Request, limitBytes: number): Promise<Result<string, Failure>> {
  const contentType = request.headers.get("content-type");
  if (contentType !== null && !/^application\/(.+\+)?json\b/i.test(contentType))
    return err({ kind: "unsupported_media_type", contentType });
  const declared = request.headers.get("content-length");
  if (declared !== null)
    return Number(declared) > limitBytes
      ? err({ kind: "body_too_large", limitBytes })
      : ok(await request.text());
  return request.body ? readCounting(request.body, limitBytes) : ok("");
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
