import type { Limits } from "../contracts/limits.ts";
import type { Refusal, Standing } from "../limits/check.ts";
import type { Price } from "../usage/price.ts";

/** What isolates and the ledger of a key say to each other. Tokens are counts, costs are billionths of the currency. */

/** What a key may use. The ledger knows the newest version, and admits nothing on an older one. */
export type Policy = { readonly version: number; readonly limits: Limits | null };

/** To whom a key belongs, and what all keys of that workspace may use together. */
export type Account = { readonly workspaceId: string; readonly workspaceLimits: Limits | null };

/** What is set aside for a request. */
export type Reserve = { readonly prompt: number; readonly completion: number; readonly costNano: number };

/** A request that wants to be admitted. */
export type Ask = {
  readonly id: string;
  readonly model: string;
  /** Tokens of the prompt by our own estimate. */
  readonly prompt: number;
  /** Most tokens that may be generated, of all choices together; null where the caller sets no bound. */
  readonly completion: number | null;
  /** Present where a limit of cost asks for it. */
  readonly price?: Price | undefined;
  /** What is to be set aside exactly, where a ledger asks another for it. */
  readonly reserve?: Reserve | undefined;
};

/** A request that an isolate has admitted by its lease. */
export type Taken = { readonly id: string; readonly model: string; readonly reserve: Reserve };

/** What a request has used. */
export type Booking = {
  readonly model: string;
  readonly engine: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** The tokens had to be counted or estimated by us. */
  readonly estimated: boolean;
  readonly costNano: number;
  readonly queueMs: number;
  readonly engineMs: number;
  readonly overheadMs: number;
};

/** A request is over; `used` is null for one that used nothing. `estimate` is what was estimated of its prompt. */
export type Settlement = { readonly id: string; readonly used: Booking | null; readonly estimate?: number };

/** What an isolate has to say, all at once. Sent again under the same number, it counts once. */
export type Message = {
  readonly holder: string;
  readonly seq: number;
  readonly policy: Policy;
  readonly asks: readonly Ask[];
  readonly taken: readonly Taken[];
  readonly settlements: readonly Settlement[];
  /** The requests that are under way there, told now and then: of what is not told of, nobody knows any more. */
  readonly open?: readonly string[] | undefined;
  /** What it may still admit by its lease, besides what it tells of here. */
  readonly left: Lent;
  /** Requests that it has admitted in the last second. */
  readonly rate: number;
};

/** What may be admitted without asking. */
export type Lent = { readonly requests: number; readonly tokens: number; readonly costNano: number };

export type Verdict =
  | { readonly type: "admitted"; readonly reserve: Reserve; readonly standing: Standing }
  /** By a limit of the key, or by one that it shares with all keys of its workspace. */
  | { readonly type: "refused"; readonly refusal: Refusal; readonly workspace?: true }
  /** The key has been changed since the policy that was told: it has to be looked up anew. */
  | { readonly type: "stale" };

/** More that may be admitted without asking, from when the message was sent until `ttlMs` after. */
export type Grant = Lent & { readonly ttlMs: number };

/** What is to be set aside for a request of a model: its prompt's estimate times `promptFactor`, and `completion` where unbounded. */
export type Expected = {
  readonly promptFactor: number;
  readonly completion: number;
  readonly engineMs: number;
};

/** The answer: a verdict for each ask, in their order. */
export type Reply = {
  readonly verdicts: readonly Verdict[];
  readonly grant?: Grant | undefined;
  /** How the key stands then, with what isolates hold taken for used. */
  readonly standing: Standing;
  readonly expected: Readonly<Record<string, Expected>>;
};
