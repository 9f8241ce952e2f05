/** How long work tells how far it is. One thing at a time: `start`, any number of `advance`, `done`. */
export type Progress = {
  /** `totalBytes` is absent where nobody knows it. */
  start(label: string, totalBytes?: number): void;
  /** `bytes` more are there. A negative number takes some back, when a download begins anew. */
  advance(bytes: number): void;
  /** It ended, well or not. */
  done(): void;
};

export const quietProgress: Progress = {
  start: () => undefined,
  advance: () => undefined,
  done: () => undefined,
};
