import type { Principal } from "../../../shared/auth/principal.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import type { Ask, Booking, Expected, Reserve, Verdict } from "../../../shared/ledger/messages.ts";
import type { RequestSize } from "../../../shared/ledger/request-size.ts";
import type { Standing } from "../../../shared/limits/check.ts";
import { type Price, costNanoOf } from "../../../shared/usage/price.ts";
import type { Defer } from "../defer.ts";
import { sleep, within } from "../relay/within.ts";
import { KeyLink, type LedgerPort } from "./link.ts";

/** A request that wants to be admitted. */
export type Application = {
  readonly id: string;
  readonly principal: Principal;
  /** The model's id: what is learnt of it, and booked, goes by that. */
  readonly model: string;
  readonly size: RequestSize;
  readonly price: Price | undefined;
  readonly defer: Defer;
  readonly gone: AbortSignal;
};

/** A request that has been admitted, until it is settled. */
export type Admission = {
  /** How its key stands, for the answer's headers. */
  readonly standing: Standing;
  /** Resolves when the ledger knows of it: before that, nothing of an answer goes to the client. */
  readonly told: Promise<unknown>;
  /** What was estimated of its prompt, in tokens. */
  readonly promptTokens: number;
  /** To be called now and then while it is under way. */
  touch(): void;
  /** Books what it has used (null: nothing). Resolves when that is on disk; where it takes too long, it goes on behind. */
  settle(used: Booking | null): Promise<void>;
};

/** The ledgers of all keys, as this isolate reaches them. */
export type Ledgers = {
  /** Admits a request, or says why not; `stale` where the key has to be looked up anew. */
  admit(application: Application): Promise<Result<Admission, Failure | "stale">>;
};

/** Most keys whose links an isolate keeps. */
const LINKS_MAX = 10_000;
/** How often a request comes back for what other isolates hold, and may give back. */
const RETURNS_MAX = 2;
const RETURN_MS_MAX = 2_500;
/** Longest that an answer waits for its booking; what was set aside for it is on disk in any case. */
const SETTLE_MS = 3_000;

/** A user has a ledger in each workspace, a key one. */
const ledgerOf = ({ kind, id, workspaceId }: Principal): string =>
  kind === "user" ? `${id}.${workspaceId}` : id;

export type LedgerPorts = {
  object(name: string): LedgerPort;
  now(): number;
  newName(): string;
};

/** Links to ledgers, made as they are needed. */
export function createLedgers(ports: LedgerPorts): Ledgers {
  const links = new Map<string, KeyLink>();
  // Random values may not be made while a Worker starts.
  let name: string | undefined;
  const linkOf = (ledger: string): KeyLink => {
    const known = links.get(ledger);
    if (known) return known;
    if (links.size >= LINKS_MAX) forgetIdle(links);
    const link = new KeyLink((name ??= ports.newName()), () => ports.object(ledger), ports.now);
    links.set(ledger, link);
    return link;
  };
  return {
    async admit(application) {
      const { principal, id, model, size, price, defer } = application;
      const { version, limits, workspaceId, workspaceLimits } = principal;
      const link = linkOf(ledgerOf(principal));
      if (!link.know({ version, limits }, { workspaceId, workspaceLimits })) return err("stale");
      const admitted = (reserve: Reserve, standing: Standing, told: Promise<unknown>): Admission => ({
        standing,
        told,
        promptTokens: reserve.prompt,
        touch: () => link.touch(id, defer),
        async settle(used) {
          const settling = link.settle({ id, used, estimate: size.prompt }, defer);
          defer(settling);
          await within(settling, SETTLE_MS);
        },
      });
      const leased = link.take({ id, model }, (expected) => reserveBy(expected, size, price), defer);
      if (leased) return ok(admitted(leased.taken.reserve, link.standing, leased.told));
      const verdict = await persistently(link, { id, model, ...size, price }, application);
      if (verdict === "unheard") return err({ kind: "store_unavailable" });
      if (verdict.type === "stale") return err("stale");
      if (verdict.type === "admitted")
        return ok(admitted(verdict.reserve, verdict.standing, Promise.resolve()));
      const { limit, max, remaining, retryAfterMs } = verdict.refusal;
      const scope = verdict.workspace ? "workspace" : "key";
      return err({ kind: "rate_limited", scope, limit, max, remaining, retryAfterMs });
    },
  };
}

/** Asks, and again where other isolates hold what it lacks: what they do not use comes back within the second. */
async function persistently(
  link: KeyLink,
  ask: Ask,
  { gone, defer }: Application,
): Promise<Verdict | "unheard"> {
  for (let returns = 0; ; returns++) {
    const verdict = await link.ask(ask, defer);
    const isHeld = verdict !== "unheard" && verdict.type === "refused" && verdict.refusal.leased;
    if (!isHeld || returns >= RETURNS_MAX || gone.aborted) return verdict;
    await sleep(Math.min(RETURN_MS_MAX, verdict.refusal.retryAfterMs ?? RETURN_MS_MAX), gone);
  }
}

/** As the ledger itself would set it aside. */
function reserveBy(
  { promptFactor, completion: usual, engineMs }: Expected,
  size: RequestSize,
  price: Price | undefined,
): Reserve {
  const prompt = Math.ceil(size.prompt * promptFactor);
  const completion = size.completion ?? usual;
  const tokens = { promptTokens: prompt, cachedTokens: 0, completionTokens: completion };
  return { prompt, completion, costNano: costNanoOf(price, tokens, engineMs) };
}

/** Half of them go, those of which nothing is under way and which were made first. */
function forgetIdle(links: Map<string, KeyLink>): void {
  let toGo = Math.ceil(links.size / 2);
  for (const [ledger, link] of links) {
    if (toGo === 0) return;
    if (!link.isIdle) continue;
    links.delete(ledger);
    toGo -= 1;
  }
}
