import type { SlotAnswer, SlotAsk } from "../routing/lease.ts";
import type { QueueEntry } from "../routing/queue.ts";
import type { EngineStatus, FleetSnapshot } from "./snapshot.ts";

/** What an isolate has seen an engine do: how a request ended that it sent at `sentMs`. */
export type Outcome = {
  readonly type: "success" | "failure" | "overload" | "client_fault";
  readonly sentMs: number;
};

/** How many requests have ended since an isolate last said so, and how long they took together. */
export type Served = { readonly count: number; readonly totalMs: number };

/** What came of a wish for a slot. */
export type Entered =
  | { readonly got: SlotAnswer }
  | {
      readonly refused: {
        readonly reason: "full" | "deadline" | "draining";
        readonly retryAfterMs: number;
      };
    };

/** What an isolate asks of an engine's object. */
export type EnginePort = {
  /** An isolate's lease goes on, and it says what it has. */
  renew(
    ask: SlotAsk,
    served: Served,
  ): Promise<{ readonly answer: SlotAnswer; readonly status: EngineStatus }>;
  /** A request wants a slot that its isolate has not: it gets one, waits for one, or is told when to come again. */
  enter(ask: SlotAsk, entry: QueueEntry, served: Served): Promise<Entered>;
  /** A request that waits has been given up. */
  leave(id: string): Promise<void>;
  /** What an isolate has seen. */
  report(outcomes: readonly Outcome[]): Promise<EngineStatus>;
};

/** What an isolate asks of the fleet's object. */
export type FleetPort = {
  /** Everything that is known; undefined where it is still what the asker has. */
  snapshot(knownVersion?: number): Promise<FleetSnapshot | undefined>;
  /** Likewise, after every engine was asked how it is. */
  refresh(): Promise<FleetSnapshot>;
};
