import type { Limits } from "../../contracts/limits.ts";
import { type Holder, accept, leftOf, newHolder, takeOf } from "../holder.ts";
import type { Ask, Message, Reply, Settlement, Taken } from "../messages.ts";
import type { SimLedger } from "./sim-ledger.ts";

/** A request as the simulation knows it. */
export type SimRequest = { readonly ask: Ask; readonly isolate: SimIsolate };

/** What is said in one message. */
type Words = { asks: Ask[]; taken: Taken[]; settlements: Settlement[] };

const nothing = (): Words => ({ asks: [], taken: [], settlements: [] });

/** An isolate without a network: every message and every answer is carried by the simulation, or is lost. */
export class SimIsolate {
  readonly name: string;
  readonly holder: Holder = newHolder();
  /** The requests under way here, with what was set aside for each. */
  readonly open = new Set<string>();
  inFlight:
    | { readonly message: Message; readonly askedMs: number; reply: Reply | undefined; abandoned: boolean }
    | undefined;
  #words = nothing();
  #seq = 0;
  readonly #limits: Limits;
  readonly #rate: number;

  constructor(name: string, limits: Limits, rate: number) {
    this.name = name;
    this.#limits = limits;
    this.#rate = rate;
  }

  /** A request arrives. Gives what was set aside, where its lease admits it at once. */
  arrive(ask: Ask, nowMs: number): Taken | undefined {
    const taken = takeOf(
      this.holder,
      ask,
      ({ promptFactor, completion }) => ({
        prompt: Math.ceil(ask.prompt * promptFactor),
        completion: ask.completion ?? completion,
        costNano: 0,
      }),
      nowMs,
    );
    if (taken) {
      this.#words.taken.push(taken);
      this.open.add(ask.id);
    } else this.#words.asks.push(ask);
    return taken;
  }

  /** A request ends. */
  settle(settlement: Settlement): void {
    this.open.delete(settlement.id);
    this.#words.settlements.push(settlement);
  }

  /** Says everything there is to say, unless a message is on its way. */
  send(nowMs: number, tellOpen = false): void {
    if (this.inFlight) return;
    const words = this.#words;
    if (!tellOpen && words.asks.length + words.taken.length + words.settlements.length === 0) return;
    this.#words = nothing();
    this.inFlight = {
      askedMs: nowMs,
      reply: undefined,
      abandoned: false,
      message: {
        ...words,
        holder: this.name,
        seq: (this.#seq += 1),
        policy: { version: 1, limits: this.#limits },
        ...(tellOpen && { open: [...this.open] }),
        left: leftOf(this.holder, this.#rate > 0, nowMs),
        rate: this.#rate,
      },
    };
  }

  /** The message reaches the ledger; it may have reached it before. */
  deliver(ledger: SimLedger, nowMs: number): void {
    if (this.inFlight) this.inFlight.reply = ledger.hear(this.inFlight.message, nowMs);
  }

  /** The answer reaches the isolate. */
  hear(): void {
    const { inFlight } = this;
    if (!inFlight?.reply) return;
    this.inFlight = undefined;
    accept(this.holder, inFlight.reply.grant, inFlight.reply.expected, inFlight.askedMs);
    for (const [at, { id }] of inFlight.message.asks.entries())
      if (inFlight.reply.verdicts[at]?.type !== "admitted") continue;
      else if (inFlight.abandoned) this.#words.settlements.push({ id, used: null });
      else this.open.add(id);
  }

  /** Nobody waits any more for what was asked. The message itself is sent again until it is heard. */
  giveUp(): void {
    if (this.inFlight) this.inFlight.abandoned = true;
  }
}
