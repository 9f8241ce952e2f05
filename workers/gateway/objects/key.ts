import { DurableObject } from "cloudflare:workers";
import { AutoRouter } from "itty-router";
import type { Limits } from "../../../shared/contracts/limits.ts";
import { ORPHAN_MS, bringUpToDate, loadOf, sweepDueMs } from "../../../shared/ledger/ledger.ts";
import type { Account, Message, Reply } from "../../../shared/ledger/messages.ts";
import { unwritten } from "../../../shared/ledger/totals.ts";
import { hourOf, monthOf, monthStartMs } from "../../../shared/limits/periods.ts";
import { readConfig } from "../env.ts";
import { usedSince, writeUsage } from "../store/usage.ts";
import { Journal } from "./journal.ts";

/** How often the object of a workspace is asked, where it does not answer. */
const TRIES_MAX = 2;
/** Where the database is away, it is tried again after this. */
const RETRY_MS = 10_000;

/**
 * One per key: its limits, what is under way, and what it has used, each decided and written down in one step. One per
 * workspace that has limits of its own: then the objects of its keys ask it in turn, and only what both admit is
 * admitted.
 */
export class KeyObject extends DurableObject<Env> {
  readonly #journal: Journal;
  readonly #router = AutoRouter();
  readonly #name: string;
  readonly #flushMs: number;
  #account: Account | undefined;
  #alarmMs: number | null | undefined;
  #flushing: Promise<void> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#name = ctx.id.name ?? "";
    this.#flushMs = readConfig(env as unknown as Readonly<Record<string, unknown>>).USAGE_FLUSH_MS;
    this.#journal = new Journal(ctx.storage);
    this.#account = ctx.storage.kv.get<Account>("account");
    if (this.#isWorkspace && this.#journal.isNew) void ctx.blockConcurrencyWhile(() => this.#recall());
    this.#router
      .get("/state", () => this.#state())
      .post("/flush", async () => {
        await this.flush();
        return this.#state();
      })
      .post("/reset", () => {
        this.#journal.commit({ type: "reset" }, Date.now());
        return this.#state();
      });
  }

  /** All that an isolate has to say of the key, and the answer to it. Throws where the workspace's object is out of reach. */
  async exchange(message: Message, account: Account): Promise<Reply> {
    this.#belongTo(account);
    const limits = this.#isWorkspace ? null : account.workspaceLimits;
    // A lease would be of what is not the key's alone.
    const told = limits ? { ...message, rate: 0 } : message;
    const reply = this.#journal.commit({ type: "message", message: told }, Date.now());
    await this.#arm();
    return limits ? this.#withWorkspace(message, reply, limits) : reply;
  }

  /** Nothing is admitted any more on a policy older than this version, from when this has been answered. */
  async fence(version: number): Promise<void> {
    const leasedMs = this.#journal.commit({ type: "fence", version }, Date.now());
    if (leasedMs > 0) await scheduler.wait(leasedMs);
  }

  /** Writes what was used to the database, now. */
  async flush(): Promise<void> {
    await (this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
    }));
  }

  /** Books what nobody is at any more, and writes down what was used. */
  override async alarm(): Promise<void> {
    this.#alarmMs = null;
    this.#sweep(Date.now());
    const isWritten = await this.flush().then(
      () => true,
      () => false,
    );
    await this.#arm(isWritten ? undefined : Date.now() + RETRY_MS);
  }

  /** The admin endpoint inside the object. */
  override fetch(request: Request): Promise<Response> {
    return this.#router.fetch(request) as Promise<Response>;
  }

  get #isWorkspace(): boolean {
    return this.#name.startsWith("ws_");
  }

  /** The key, or the user: a user has an object in each workspace. */
  get #owner(): string {
    return this.#name.split(".")[0] ?? "";
  }

  #belongTo(account: Account): void {
    const known = this.#account;
    if (known?.workspaceId === account.workspaceId) return;
    this.#account = account;
    this.ctx.storage.kv.put("account", account);
  }

  /** What both admit is admitted; where the workspace refuses, the key has used nothing. */
  async #withWorkspace(message: Message, reply: Reply, limits: Limits): Promise<Reply> {
    const admitted = message.asks.flatMap((ask, at) => {
      const verdict = reply.verdicts[at];
      return verdict?.type === "admitted" ? [{ ...ask, reserve: verdict.reserve }] : [];
    });
    if (admitted.length + message.settlements.length + (message.open?.length ?? 0) === 0) return reply;
    const undo = (ids: readonly string[]) => {
      if (ids.length > 0) this.#journal.commit({ type: "undo", ids }, Date.now());
    };
    const asked = await this.#askWorkspace({
      ...message,
      holder: `${this.#name} ${message.holder}`,
      policy: { version: 0, limits },
      asks: admitted,
      taken: [],
      left: { requests: 0, tokens: 0, costNano: 0 },
      rate: 0,
    }).catch((error: unknown) => {
      undo(admitted.map(({ id }) => id));
      throw error;
    });
    const refused = new Map(
      admitted.flatMap(({ id }, at) => {
        const verdict = asked.verdicts[at];
        return verdict?.type === "refused" ? [[id, { ...verdict, workspace: true } as const] as const] : [];
      }),
    );
    undo([...refused.keys()]);
    const verdicts = message.asks.map(
      ({ id }, at) => refused.get(id) ?? reply.verdicts[at] ?? ({ type: "stale" } as const),
    );
    return { ...reply, verdicts };
  }

  async #askWorkspace(message: Message): Promise<Reply> {
    const account = this.#account;
    if (!account) throw new Error("a key without a workspace");
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.env.KEY.getByName(account.workspaceId).exchange(message, account);
      } catch (error) {
        if (attempt >= TRIES_MAX) throw error;
      }
    }
  }

  #sweep(nowMs: number): void {
    const dueMs = sweepDueMs(this.#journal.ledger);
    if (dueMs !== undefined && dueMs <= nowMs) this.#journal.commit({ type: "sweep" }, nowMs);
  }

  /** Sets the alarm, where something will be due and none is set. */
  async #arm(atLeastMs = 0): Promise<void> {
    if (this.#alarmMs === undefined) this.#alarmMs = await this.ctx.storage.getAlarm();
    if (this.#alarmMs !== null) return;
    const nowMs = Date.now();
    const { ledger } = this.#journal;
    const flushMs = unwritten(ledger.book).length > 0 ? nowMs + this.#flushMs : Infinity;
    const sweepMs = sweepDueMs(ledger) ?? Infinity;
    const dueMs = Math.max(Math.min(flushMs, sweepMs, nowMs + ORPHAN_MS), atLeastMs);
    if (Math.min(flushMs, sweepMs) === Infinity) return;
    this.#alarmMs = dueMs;
    await this.ctx.storage.setAlarm(dueMs);
  }

  async #write(): Promise<void> {
    const account = this.#account;
    const { ledger } = this.#journal;
    const rows = unwritten(ledger.book);
    if (rows.length === 0 || !account) return;
    // The keys' objects write what was used; that of their workspace only counts.
    if (!this.#isWorkspace)
      await writeUsage(
        this.env.DB,
        rows.map(({ unwritten: _, ...row }) => ({
          ...row,
          workspaceId: account.workspaceId,
          keyId: this.#owner,
        })),
        { keyId: this.#owner, atMs: ledger.lastUsedMs },
      );
    this.#journal.commit({ type: "written", rows }, Date.now());
  }

  /** A workspace that gets limits has used something already: as much as its keys have written down this month. */
  async #recall(): Promise<void> {
    const nowMs = Date.now();
    const { ledger } = this.#journal;
    bringUpToDate(ledger, nowMs);
    for (const period of [ledger.day, ledger.month]) Object.assign(period, { tokens: 0, costNano: 0 });
    const startMs = monthStartMs(monthOf(nowMs));
    const used = await usedSince(this.env.DB, this.#name, hourOf(startMs)).catch(() => []);
    for (const { hour, tokens, costNano } of used)
      for (const period of hour >= hourOf(nowMs) - (hourOf(nowMs) % 24)
        ? [ledger.day, ledger.month]
        : [ledger.month]) {
        period.tokens += tokens;
        period.costNano += costNano;
      }
    this.#journal.snapshot();
  }

  #state() {
    const { ledger } = this.#journal;
    bringUpToDate(ledger, Date.now());
    const { requests, tokens, open, leased } = loadOf(ledger);
    const { version, day, month, learnt, book, lastUsedMs } = ledger;
    return {
      version,
      open,
      requestsOfTheLastMinute: requests.sum,
      tokensOfTheLastMinute: tokens.sum,
      day,
      month,
      leased,
      learnt: Object.fromEntries(learnt),
      unwritten: unwritten(book).length,
      lastUsedMs,
    };
  }
}
