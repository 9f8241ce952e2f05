import { setTimeout as after } from "node:timers/promises";
import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import { QUESTION } from "../bodies.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { type Outcome, fail, judge, skip } from "../outcome.ts";
import { decoderOf } from "../reading.ts";
import { isChat } from "../speaker.ts";
import { failed } from "../trouble.ts";
import type { Opened } from "../wire.ts";

/** Long enough to be still under way when its client leaves. */
const TOKENS_MAX = 1_500;
/** More than the question takes: some engines refuse what would not fit their context beside it. */
const PROMPT_TOKENS_MAX = 200;
/** Engines look for a client that left once a second, or less often. */
const STOP_MS_MAX = 5_000;
const POLL_MS = 50;

/** Nobody generates for the dead. */
export const leavingChecks: readonly Check[] = [
  {
    id: "disconnect",
    title: "stops when its client leaves",
    async run(lab) {
      const opened = await begun(lab);
      if ("detail" in opened) return opened;
      const busy = await running(lab);
      const from = performance.now();
      // Where a closed connection is not enough the engine's own call comes first: it knows no request that was left.
      const { abort } = lab.adapter;
      if (abort) await lab.wire.send("disconnect-abort", abort(opened.requestId));
      opened.leave();
      if (busy === undefined) return byTiming(lab, from);
      if (busy < 1) return fail(`it tells of ${busy} running requests while one is`);
      return (await idleWithin(lab, STOP_MS_MAX))
        ? judge(`idle after ${Math.round(performance.now() - from)} ms, by its own figures`, [])
        : fail(`it is still running after ${STOP_MS_MAX} ms`);
    },
  },
  {
    id: "abort",
    title: "stops when it is told to",
    async run(lab) {
      const { abort } = lab.adapter;
      if (!abort) return skip("it has no call for it; a closed connection is enough");
      const opened = await begun(lab);
      if ("detail" in opened) return opened;
      const told = await lab.wire.send("abort", abort(opened.requestId));
      const from = performance.now();
      const ended = await Promise.race([drained(opened), after(STOP_MS_MAX, false, { ref: false })]);
      opened.leave();
      return judge(`HTTP ${told.status}, ended after ${Math.round(performance.now() - from)} ms`, [
        [told.status < 300, `HTTP ${told.status}`],
        [ended, `the stream goes on for ${STOP_MS_MAX} ms`],
      ]);
    },
  },
];

/**
 * It goes on and on where the engine can be told to; else a tiny model rarely finds an end. The mark at its own is for
 * the simulator.
 */
function longBody({ bodies, models, speaker }: Lab): ChatRequest | CompletionRequest {
  const question = `${QUESTION} Make it as long as you can. [sim tokens=${TOKENS_MAX}]`;
  const room = (models.chat.contextLength ?? Infinity) - PROMPT_TOKENS_MAX;
  const body = bodies.text({ question, stream: true, max_tokens: Math.min(TOKENS_MAX, room) });
  const endless = { ...body, ignore_eos: true };
  return speaker.encode(endless).ok ? endless : body;
}

/** A stream of which the first text has come, and the request's id. */
async function begun(lab: Lab): Promise<(Opened & { readonly requestId: string }) | Outcome> {
  const body = longBody(lab);
  const asked = isChat(body) ? lab.call(body) : lab.call(body);
  const encoded = isChat(asked.body)
    ? lab.adapter.chat.encode({ ...asked, body: asked.body })
    : lab.adapter.completion.encode({ ...asked, body: asked.body });
  if (!encoded.ok) return fail(encoded.error.kind);
  const opened = await lab.wire.open(encoded.value);
  if (opened.status !== 200) return fail(`HTTP ${opened.status}`);
  const decoder = decoderOf(lab.speaker.streamOf(body), body);
  const pieces = opened.pieces[Symbol.asyncIterator]();
  for (;;) {
    const next = await pieces.next();
    if (next.done) return fail("it ended before its client could leave");
    if (decoder.push(next.value).some(({ type }) => type === "delta"))
      return {
        status: opened.status,
        leave: opened.leave,
        pieces: { [Symbol.asyncIterator]: () => pieces },
        requestId: asked.requestId,
      };
  }
}

/** Reads a stream to its end, however it ends. */
async function drained({ pieces }: Opened): Promise<boolean> {
  try {
    for await (const _ of pieces);
  } catch {
    // A connection that the engine closed is an end too.
  }
  return true;
}

/** Requests that the engine says are running; undefined where it does not say. */
async function running({ adapter, wire }: Lab): Promise<number | undefined> {
  if (!adapter.load) return undefined;
  const heard = await wire.send("load", { path: adapter.load.path, method: "GET", body: "" });
  return heard.status === 200 ? adapter.load.read(heard.text).running : undefined;
}

async function idleWithin(lab: Lab, timeMs: number): Promise<boolean> {
  const until = performance.now() + timeMs;
  while (performance.now() < until) {
    if ((await running(lab)) === 0) return true;
    await after(POLL_MS);
  }
  return false;
}

/**
 * Where an engine tells nothing: a next request is answered soon, and would wait where one slot is taken, or share the
 * processor. A whole generation of the same length is the measure.
 */
async function byTiming(lab: Lab, leftMs: number): Promise<Outcome> {
  const next = await lab.text("disconnect-next", { max_tokens: 1 });
  const waitedMs = performance.now() - leftMs;
  if (!next.ok) return fail("the next request is not answered");
  const from = performance.now();
  const whole = await lab.speaker.streamed("disconnect-whole", longBody(lab));
  const wholeMs = performance.now() - from;
  if (!whole.ok) return failed(whole.error);
  const tokens = whole.value.usage?.completion_tokens ?? "untold";
  return judge(
    `the next answer came after ${Math.round(waitedMs)} ms; ${tokens} tokens take ${Math.round(wholeMs)} ms`,
    [
      [
        waitedMs < wholeMs / 2,
        `the next answer came after ${Math.round(waitedMs)} of ${Math.round(wholeMs)} ms`,
      ],
    ],
  );
}
