import { describe, expect, it } from "vitest";
import { errorText } from "./attempt.ts";

describe("errorText", () => {
  it("reads what an engine says of its error", async () => {
    expect(await errorText(new Response('{"error":"née"}'))).toBe('{"error":"née"}');
    expect(await errorText(new Response(null))).toBe("");
  });

  it("reads the beginning of an error that has no end, and hangs up", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(97)),
      cancel: () => {
        cancelled = true;
      },
    });
    const text = await errorText(new Response(endless));
    expect(text.length).toBeLessThan(200_000);
    expect(cancelled).toBe(true);
  });
});
