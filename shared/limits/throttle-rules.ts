import { z } from "zod";
import type { ThrottleRule } from "./throttle.ts";

const MINUTE_S = 60;

/** How often what is open to everybody may be tried, by one address unless told: `countMax` times in `windowS` seconds. */
const DEFAULTS = {
  signup: { countMax: 5, windowS: 60 * MINUTE_S },
  login: { countMax: 10, windowS: MINUTE_S },
  /** On one account, from anywhere. A success takes all of them back. */
  loginFailures: { countMax: 10, windowS: 15 * MINUTE_S },
  refresh: { countMax: 30, windowS: MINUTE_S },
  passwordReset: { countMax: 5, windowS: 15 * MINUTE_S },
  /** Everything else that needs no key. */
  publicPost: { countMax: 10, windowS: MINUTE_S },
  /** Keys of the right form that nobody has. */
  unknownKeys: { countMax: 20, windowS: MINUTE_S },
} as const;

export type ThrottleName = keyof typeof DEFAULTS;
export const THROTTLE_NAMES = Object.keys(DEFAULTS) as [ThrottleName, ...ThrottleName[]];

const Rate = z.strictObject({
  countMax: z.int().min(1).max(10_000),
  windowS: z
    .int()
    .min(1)
    .max(24 * 60 * MINUTE_S),
});

/** Rules that an operator has set otherwise. */
export const ThrottleSettings = z.partialRecord(z.enum(THROTTLE_NAMES), Rate);
export type ThrottleSettings = z.infer<typeof ThrottleSettings>;

/** The rule of this name. */
export function throttleRule(name: ThrottleName, settings: ThrottleSettings): ThrottleRule {
  const { countMax, windowS } = settings[name] ?? DEFAULTS[name];
  return { name, countMax, windowMs: windowS * 1_000 };
}
