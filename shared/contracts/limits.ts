import { z } from "zod";

const Count = z.int().min(0).max(1e15);
/** An amount of the operator's currency, with up to nine decimals. */
const Amount = z.number().min(0).max(1e6);

/**
 * What a key, or all keys of a workspace together, may use. Absent members are not limited. Minutes slide; days and months
 * are calendar days and months of UTC.
 */
export const Limits = z
  .strictObject({
    requestsPerMinute: Count.nullish(),
    tokensPerMinute: Count.nullish(),
    tokensPerDay: Count.nullish(),
    tokensPerMonth: Count.nullish(),
    costPerDay: Amount.nullish().meta({ description: "In the currency of the prices." }),
    costPerMonth: Amount.nullish(),
    concurrentRequests: Count.nullish(),
  })
  .meta({ id: "Limits" });
export type Limits = z.infer<typeof Limits>;
