import type { Ledger } from "./ledger.ts";
import { slideFrom, storedSlide } from "../limits/slide.ts";

/** A ledger as plain JSON, for its object to keep. */
export function storedLedger(ledger: Ledger): string {
  const { requests, tokens, open, leases, learnt, orphans, holders, book, ...rest } = ledger;
  return JSON.stringify({
    ...rest,
    requests: storedSlide(requests),
    tokens: storedSlide(tokens),
    open: [...open],
    leases: [...leases],
    learnt: [...learnt],
    orphans: [...orphans],
    holders: [...holders],
    book: [...book],
  });
}

type Entries<T> = T extends Map<infer K, infer V> ? [K, V][] : never;
type Stored = Pick<Ledger, "version" | "day" | "month" | "lastUsedMs"> & {
  readonly requests: [number, number][];
  readonly tokens: [number, number][];
} & {
  readonly [Name in "open" | "leases" | "learnt" | "orphans" | "holders" | "book"]: Entries<Ledger[Name]>;
};

/** The same again. The text is our own, of this version or the one before. */
export function ledgerFrom(text: string): Ledger {
  const { requests, tokens, open, leases, learnt, orphans, holders, book, ...rest } = JSON.parse(
    text,
  ) as Stored;
  return {
    ...rest,
    requests: slideFrom(requests),
    tokens: slideFrom(tokens),
    open: new Map(open),
    leases: new Map(leases),
    learnt: new Map(learnt),
    orphans: new Map(orphans),
    holders: new Map(holders),
    book: new Map(book),
  };
}
