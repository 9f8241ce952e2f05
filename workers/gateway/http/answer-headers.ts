import type { Run } from "../run.ts";

/** What every answer says of its request: the id, under OpenAI's name for it and under ours. */
export const idHeaders = (run: Run): Record<string, string> => ({
  "x-request-id": run.id,
  "x-eco-request-id": run.id,
});
