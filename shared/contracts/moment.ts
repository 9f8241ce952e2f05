import { z } from "zod";

/** A moment as text, in milliseconds since 1970: a date (its first moment in UTC), or a date with time and zone. */
export const Moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: "is a date (`2026-11-23`) or a date with time and zone (`2026-11-23T08:00:00Z`)",
  })
  .transform((text) => Date.parse(text));
