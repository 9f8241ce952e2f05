/** How urgent a request is: of requests that wait, all of a higher priority go before those of a lower one. */
export type Priority = "high" | "normal" | "low";

/** All priorities, the most urgent first. */
export const PRIORITIES: readonly Priority[] = ["high", "normal", "low"];
