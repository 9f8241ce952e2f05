import { type Holder, accept, leftOf, newHolder, takeOf } from "../../../shared/ledger/holder.ts";
import type {
  Account,
  Ask,
  Expected,
  Message,
  Policy,
  Reply,
  Reserve,
  Settlement,
  Taken,
  Verdict,
} from "../../../shared/ledger/messages.ts";
import type { Standing } from "../../../shared/limits/check.ts";
import type { Defer } from "../defer.ts";
import { within } from "../relay/within.ts";
import { Rate } from "./rate.ts";

/** The object of a key, as an isolate speaks to it. */
export type LedgerPort = { exchange(message: Message, account: Account): Promise<Reply> };

type Answer = Verdict | "heard" | "unheard" | "lead";

/** What a request has to say, and who waits for the answer. */
type Word = {
  readonly ask?: Ask;
  readonly taken?: Taken;
  readonly settlement?: Settlement;
  /** Called with the verdict on an ask; `unheard` where the object did not answer; `lead`: it is this one's turn to speak. */
  hear(answer: Answer): void;
};

/** A message, and those who have a word in it. */
type Said = { readonly message: Message; readonly words: readonly Word[]; readonly askedMs: number };

/** Longest wait for the object's answer, in milliseconds, and how often it is asked. */
const ANSWER_MS = 2_000;
const TRIES_MAX = 3;
/** Whoever speaks for all has gone, and its call with it, after this. */
const SPEAKING_MS = ANSWER_MS * (TRIES_MAX + 1);
/** Most words in a message. */
const WORDS_MAX = 400;
/** An isolate tells what it is still at, this often. */
const TELL_OPEN_MS = 8_000;
/** A request that has not been heard of for so long is not told of: its handler may have been ended from without. */
const SILENT_MS = 60_000;
/** From this many requests in a second on, words are gathered, for so long: an answer is later by that, a message is carried by many. */
const GATHER = [
  { rate: 1_000, ms: 4 },
  { rate: 400, ms: 2 },
] as const;

/**
 * What this isolate says to the object of one key: one message at a time, with all that has come up meanwhile, so that many
 * requests share a call. Each message is sent by a request that waits for its answer, for calls of requests that are
 * over end with them.
 */
export class KeyLink {
  readonly #holder: Holder = newHolder();
  readonly #rate = new Rate();
  readonly #name: string;
  readonly #port: () => LedgerPort;
  readonly #now: () => number;
  readonly #open = new Map<string, number>();
  #words: Word[] = [];
  /** A message that was not answered. It is sent again until it is, for it may have been heard. */
  #unheard: Said | undefined;
  #isReturning = false;
  #speakingSinceMs: number | undefined;
  #toldOpenMs = 0;
  #seq = 0;
  #policy: Policy = { version: 0, limits: null };
  #account: Account | undefined;
  #standing: Standing = {};

  /** `name` is this isolate's: no other has the same. */
  constructor(name: string, port: () => LedgerPort, now: () => number) {
    this.#name = name;
    this.#port = port;
    this.#now = now;
  }

  /** Whether nothing is under way here. */
  get isIdle(): boolean {
    return this.#open.size === 0 && this.#words.length === 0 && !this.#unheard;
  }

  /**
   * What the isolate knows of the key: the newest counts. False where somebody here knows a newer one already: a lease is
   * for that one's holders alone.
   */
  know(policy: Policy, account: Account): boolean {
    if (policy.version < this.#policy.version) return false;
    this.#policy = policy;
    this.#account = account;
    return true;
  }

  /** How the key stood when the object last said so. */
  get standing(): Standing {
    return this.#standing;
  }

  /** Admits by the lease, if there is one with room. The object is told behind it: `told` is when it knows. */
  take(
    request: { readonly id: string; readonly model: string },
    reserveOf: (expected: Expected) => Reserve,
    defer: Defer,
  ): { readonly taken: Taken; readonly told: Promise<unknown> } | undefined {
    const nowMs = this.#now();
    const taken = takeOf(this.#holder, request, reserveOf, nowMs);
    if (!taken) return undefined;
    this.#rate.count(nowMs);
    this.#open.set(request.id, nowMs);
    const told = this.#say({ taken }, defer);
    defer(told);
    return { taken, told };
  }

  /** Asks the object. */
  async ask(ask: Ask, defer: Defer): Promise<Verdict | "unheard"> {
    const nowMs = this.#now();
    this.#rate.count(nowMs);
    const answer = await this.#say({ ask }, defer);
    if (answer === "heard") return "unheard";
    if (answer !== "unheard" && answer.type === "admitted") this.#open.set(ask.id, this.#now());
    return answer;
  }

  /** A request is over. Resolves when the object has it on disk, or does not answer: then it is told again. */
  async settle(settlement: Settlement, defer: Defer): Promise<void> {
    this.#open.delete(settlement.id);
    await this.#say({ settlement }, defer);
  }

  /** To be called now and then for a request that is under way. */
  touch(id: string, defer: Defer): void {
    const nowMs = this.#now();
    if (this.#open.has(id)) this.#open.set(id, nowMs);
    const isWaiting = this.#words.length > 0 || this.#unheard !== undefined;
    const isStuck = isWaiting && !this.#isSpeaking(nowMs);
    if (isStuck || nowMs - this.#toldOpenMs >= TELL_OPEN_MS) defer(this.#speak());
  }

  #isSpeaking(nowMs: number): boolean {
    return this.#speakingSinceMs !== undefined && nowMs - this.#speakingSinceMs < SPEAKING_MS;
  }

  /** Puts a word into the next message, and sends that where nobody else does. */
  async #say(what: Omit<Word, "hear">, defer: Defer): Promise<Exclude<Answer, "lead">> {
    let isNext = false;
    for (;;) {
      let hear: Word["hear"] = () => undefined;
      const answer = new Promise<Answer>((resolve) => {
        hear = resolve;
      });
      const word = { ...what, hear };
      if (isNext) this.#words.unshift(word);
      else this.#words.push(word);
      if (!this.#isSpeaking(this.#now())) await this.#speak(defer);
      // The timer is also what tells the runtime that this request has not hung: it knows nothing of answers that come by
      // way of another request.
      const heard = await within(answer, SPEAKING_MS);
      if (heard !== undefined && heard !== "lead") return heard;
      // With the call to lead its word came out of the queue. Where nobody called, whoever spoke has gone, and with it what
      // was on its way: its key's object books that by itself.
      const at = this.#words.indexOf(word);
      if (at >= 0) this.#words.splice(at, 1);
      else if (heard === undefined) return "unheard";
      isNext = true;
    }
  }

  /** Sends one message with everything there is to say, and hands the word to one of those who came meanwhile. */
  async #speak(defer?: Defer): Promise<void> {
    if (this.#isSpeaking(this.#now())) return;
    this.#speakingSinceMs = this.#now();
    const gatherMs = this.#gatherMs();
    if (gatherMs > 0) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    // A message that may or may not have been heard comes before all others, as it was.
    const isHeard = !this.#unheard || (await this.#carry(this.#unheard));
    if (isHeard) await this.#carry(this.#compose(this.#words.splice(0, WORDS_MAX)));
    else this.#giveUp();
    this.#speakingSinceMs = undefined;
    if (defer) this.#returnLater(defer);
    this.#words.shift()?.hear("lead");
  }

  /** Carries a message to the object and its answer to those who wait for it; whether that could be done. */
  async #carry(said: Said): Promise<boolean> {
    const reply = await this.#send(said.message);
    if (!reply) {
      if (this.#unheard !== said) for (const { hear } of said.words) hear("unheard");
      this.#unheard = said;
      return false;
    }
    const isLate = this.#unheard === said;
    this.#unheard = undefined;
    this.#standing = reply.standing;
    accept(this.#holder, reply.grant, reply.expected, said.askedMs);
    let at = 0;
    for (const { ask, hear } of said.words) {
      const verdict = ask && reply.verdicts[at++];
      hear(verdict ?? "heard");
      // Whoever asked has been told that nobody answers: it will not use what it was given.
      if (isLate && ask && verdict?.type === "admitted") this.#words.push(unused(ask.id));
    }
    return true;
  }

  /** The object does not answer. What is to be told is told later; whoever asks is told so. */
  #giveUp(): void {
    const words = this.#words;
    this.#words = [];
    for (const word of words) {
      word.hear("unheard");
      if (!word.ask) this.#words.push({ ...word, hear: () => undefined });
    }
  }

  /** What is left of a lease when its time is over goes back, though nobody has anything else to say. */
  #returnLater(defer: Defer): void {
    const waitMs = this.#holder.untilMs - this.#now();
    if (this.#isReturning || waitMs <= 0 || this.#holder.requests === 0) return;
    this.#isReturning = true;
    const back = async () => {
      await new Promise((resolve) => setTimeout(resolve, waitMs + 1));
      this.#isReturning = false;
      await this.#speak();
    };
    defer(back());
  }

  #gatherMs(): number {
    const rate = this.#rate.at(this.#now());
    return GATHER.find((each) => rate >= each.rate)?.ms ?? 0;
  }

  #compose(words: readonly Word[]): Said {
    const nowMs = this.#now();
    const rate = this.#account?.workspaceLimits ? 0 : this.#rate.at(nowMs);
    const tellOpen = this.#open.size > 0 && nowMs - this.#toldOpenMs >= TELL_OPEN_MS;
    if (tellOpen) this.#toldOpenMs = nowMs;
    const message = {
      holder: this.#name,
      seq: (this.#seq += 1),
      policy: this.#policy,
      asks: words.flatMap(({ ask }) => ask ?? []),
      taken: words.flatMap(({ taken }) => taken ?? []),
      settlements: words.flatMap(({ settlement }) => settlement ?? []),
      ...(tellOpen && { open: this.#alive(nowMs) }),
      left: leftOf(this.#holder, rate > 0, nowMs),
      rate,
    };
    return { message, words, askedMs: nowMs };
  }

  /** The requests that are under way here; those that have not been heard of for long are given up. */
  #alive(nowMs: number): string[] {
    for (const [id, touchedMs] of this.#open) if (nowMs - touchedMs > SILENT_MS) this.#open.delete(id);
    return [...this.#open.keys()];
  }

  async #send(message: Message): Promise<Reply | undefined> {
    const account = this.#account;
    if (!account) return undefined;
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      // The same message under the same number counts once, whether or not the one before was heard.
      const reply = await within(
        this.#port()
          .exchange(message, account)
          .catch(() => undefined),
        ANSWER_MS,
      );
      if (reply) return reply;
    }
    return undefined;
  }
}

/** Nothing was done with what was admitted. */
const unused = (id: string): Word => ({ settlement: { id, used: null }, hear: () => undefined });
