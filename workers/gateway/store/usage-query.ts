import { drizzle } from "drizzle-orm/d1";
import type { UsageLine, UsageTotals } from "../../../shared/contracts/usage.ts";
import { decimalOfNano } from "../../../shared/usage/price.ts";
import type { UsageQuery } from "../../../shared/usage/query.ts";
import { type UsageScope, keyStatement, usageStatements } from "./usage-statements.ts";

/** The lines of one answer, and everything together. */
export type UsageFound = {
  readonly lines: readonly UsageLine[];
  readonly hasMore: boolean;
  readonly totals: UsageTotals;
};

/** Where usage is read. Its methods throw when the store is out of reach. */
export type UsageStore = {
  find(scope: UsageScope, query: UsageQuery): Promise<UsageFound>;
  /** Whether there is a key of this id whose usage a caller may see. */
  hasKey(scope: UsageScope, keyId: string): Promise<boolean>;
};

/** Usage in D1. */
export function d1Usage(database: D1Database): UsageStore {
  return {
    async find(scope, query) {
      const { lines, totals } = usageStatements(drizzle(database), scope, query);
      // One batch reads one state: the totals are those of the lines.
      const [rows, [all]] = await drizzle(database).batch([lines, totals]);
      return {
        hasMore: rows.length > query.limit,
        lines: rows.slice(0, query.limit).map(({ group, ...amounts }) => ({
          ...Object.fromEntries(query.groups.map((name, at) => [name, group[at] ?? ""])),
          ...toldOf(amounts),
        })),
        totals: toldOf(all ?? NOTHING),
      };
    },
    async hasKey(scope, keyId) {
      if (scope.own?.id === keyId) return true;
      if (scope.own?.kind === "key") return false;
      return (await keyStatement(drizzle(database), scope, keyId).get()) !== undefined;
    },
  };
}

type Amounts = Omit<UsageTotals, "cost" | "estimatedRequests" | "totalTokens"> & {
  readonly estimated: number;
  readonly costNano: string;
};

const NOTHING: Amounts = {
  requests: 0,
  estimated: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  costNano: "0",
  queueMs: 0,
  engineMs: 0,
  overheadMs: 0,
};

const toldOf = ({ requests, estimated, costNano, queueMs, engineMs, overheadMs, ...tokens }: Amounts) => ({
  requests,
  estimatedRequests: estimated,
  ...tokens,
  totalTokens: tokens.promptTokens + tokens.completionTokens,
  cost: decimalOfNano(BigInt(costNano)),
  queueMs,
  engineMs,
  overheadMs,
});
