import { DurableObject } from "cloudflare:workers";

/** One per address, or account that somebody tries to sign in to: how often that may be tried. */
export class ThrottleObject extends DurableObject<Env> {}
