import { DurableObject } from "cloudflare:workers";
import {
  type Attempts,
  type ThrottleRule,
  recentAttempts,
  takeAttempt,
} from "../../../shared/limits/throttle.ts";

/** What is kept of one rule: the attempts that count, and for how long they do. */
type Log = { readonly attempts: Attempts; readonly windowMs: number };

/**
 * One per address, or account that somebody tries to sign in to: how often that may be tried. There is one of it in the
 * world, so that no attempt is counted twice or slips between two isolates.
 */
export class ThrottleObject extends DurableObject<Env> {
  /** Counts an attempt; how long to wait where it is one too many, in milliseconds, and zero where it is not. */
  async take(rule: ThrottleRule): Promise<number> {
    const { storage } = this.ctx;
    const nowMs = Date.now();
    const log = storage.kv.get<Log>(rule.name);
    const { attempts, waitMs } = takeAttempt(log?.attempts ?? [], rule, nowMs);
    if (waitMs > 0) return waitMs;
    // Written before anything is waited for: the next attempt finds it.
    storage.kv.put<Log>(rule.name, { attempts, windowMs: rule.windowMs });
    if ((await storage.getAlarm()) === null) await storage.setAlarm(nowMs + rule.windowMs);
    return 0;
  }

  /** Takes all attempts at something back. */
  clear(name: string): void {
    this.ctx.storage.kv.delete(name);
  }

  /** Forgets what is old; of an object that has nothing left nothing stays. */
  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    const nowMs = Date.now();
    let nextMs = 0;
    for (const [name, log] of storage.kv.list<Log>()) {
      const last = recentAttempts(log.attempts, log.windowMs, nowMs).at(-1);
      if (last === undefined) storage.kv.delete(name);
      else nextMs = Math.max(nextMs, last + log.windowMs);
    }
    if (nextMs > 0) await storage.setAlarm(nextMs);
    else await storage.deleteAll();
  }
}
