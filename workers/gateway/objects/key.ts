import { DurableObject } from "cloudflare:workers";

/** One per key: what it may use, and what it has used. */
export class KeyObject extends DurableObject<Env> {}
