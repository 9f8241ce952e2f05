import type { PullProgress } from "../../../shared/contracts/admin-models.ts";
import type { ModelControl } from "../../../shared/engines/engine.ts";
import { LineScanner } from "../../../shared/streams/lines.ts";

/**
 * The lines of an engine's answer to a pull, each as it comes, and the last one always with `finished` or an `error`:
 * an answer that ends without a word has failed. Who stops reading closes the connection, and the engine stops too.
 */
export async function* pullProgress(
  body: ReadableStream<Uint8Array> | null,
  read: NonNullable<ModelControl["readProgress"]>,
): AsyncGenerator<PullProgress, void, undefined> {
  const reader = body?.getReader();
  const scanner = new LineScanner();
  let last = { status: "", done: 0, total: 0 };
  try {
    for (;;) {
      const next = await reader?.read();
      for (const line of next?.value ? scanner.push(next.value) : scanner.end()) {
        const progress = read(line);
        if (!progress) continue;
        const { outcome, ...told } = progress;
        last = told;
        if (outcome === "failed") return void (yield { ...told, error: told.status });
        if (outcome === "finished") return void (yield { ...told, finished: true });
        yield told;
      }
      if (!next || next.done) break;
    }
  } catch {
    // The connection was lost, or what came was no lines: said below.
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
  yield { ...last, error: "The engine broke off before it had all of the model." };
}
