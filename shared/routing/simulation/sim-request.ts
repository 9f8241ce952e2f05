import type { Attempted } from "../retry.ts";

/** How a request ended: answered, or for one of the reasons to give up, or without anybody left to tell. */
export type Ending =
  | "answered"
  | "client_gone"
  | "isolate_died"
  | "client_fault"
  | "answer_timeout"
  | "deadline"
  | "overloaded"
  | "exhausted"
  | "no_engine";

/** A client's request, wherever it is. */
export type SimRequest = {
  readonly id: string;
  readonly key: string;
  readonly affinity?: string;
  readonly deadlineMs: number;
  readonly attempts: Attempted[];
  /** Engines that had no slot for it in this round, and those that let nobody wait any more. */
  readonly full: Set<string>;
  readonly refused: Set<string>;
  /** Lets go of whatever the request holds where it is now. */
  letGo: () => void;
  ended: Ending | undefined;
};
