import type { RequestRecord } from "../../shared/contracts/request-record.ts";
import { RequestBuffer } from "../../shared/requests/request-buffer.ts";

/** The requests of late, of all isolates. */
export type RequestHistory = {
  /** Keeps one that has ended, until the next flush in this isolate. */
  add(record: RequestRecord): void;
  /** The one of this id, or of one of its attempts; undefined where none is known. */
  find(id: string): Promise<RequestRecord | undefined>;
};

/** The object that keeps the requests of all isolates, each as a line of JSON. */
export type RequestStore = {
  add(lines: readonly string[]): Promise<void>;
  find(idStart: string): Promise<string | undefined>;
};

/** The attempts at a request have its id but for their last digits. */
const ID_DIGITS_VARIABLE = 2;

/** The requests of late: this isolate's own wait in memory until they are handed over, never on a request's path. */
export function createHistory(store: () => RequestStore): RequestHistory & { flush(): Promise<void> } {
  const buffer = new RequestBuffer();
  return {
    add: (record) => buffer.add(record),
    async find(id) {
      const line = await store().find(id.slice(0, -ID_DIGITS_VARIABLE));
      return line === undefined ? undefined : (JSON.parse(line) as RequestRecord);
    },
    async flush() {
      if (buffer.isEmpty) return;
      const records = buffer.take();
      await store()
        .add(records.map((record) => JSON.stringify(record)))
        .catch(() => buffer.restore(records));
    },
  };
}
