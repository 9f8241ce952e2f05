/** Carries work past the answer, as `ExecutionContext.waitUntil` does. */
export type Defer = (work: Promise<unknown>) => void;
