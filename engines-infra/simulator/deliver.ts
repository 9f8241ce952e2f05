import type { Directives } from "./directives.ts";
import { streamActs, wholeActs } from "./faults.ts";
import type { Act } from "./faults.ts";
import type { EngineKind } from "./kinds/kind.ts";
import type { Reply, Stream, Whole } from "./kinds/reply.ts";
import { finish, send, sendHead } from "./run.ts";
import type { Run } from "./run.ts";
import { fired, pause } from "./waiting.ts";

/** How fast an answer comes. `slot` waits for its turn to generate and says whether it came. */
export type Pace = { headersMs: number; firstMs: number; gapMs: number; slot: () => Promise<boolean> };

/** Plays a reply onto a socket: pace, faults, pieces. Returns when the last byte is out or the client has gone. */
export async function deliver(
  run: Run,
  kind: EngineKind,
  reply: Reply,
  directives: Directives,
  pace: Pace,
  failure: () => Whole,
): Promise<void> {
  await pause(pace.headersMs, run.signal);
  if (directives.hang === "headers") return fired(run.signal);
  switch (reply.type) {
    case "reset":
      return reset(run);
    case "silence":
      if (reply.headers) sendHead(run, 200, reply.headers);
      return fired(run.signal);
    case "later":
      return fired(run.signal);
    case "whole":
      await generate(run, pace, wholeActs(reply, directives, failure), directives);
      return sayAborted(run, reply);
    case "stream": {
      if (kind.headersLeave === "accepted") sendHead(run, 200, reply.headers);
      await generate(run, pace, streamActs(reply, directives, kind.mayUseCrlf), directives, reply);
      return sayAborted(run, reply);
    }
  }
}

async function generate(
  run: Run,
  pace: Pace,
  acts: Iterable<Act>,
  directives: Directives,
  stream?: Stream,
): Promise<void> {
  const { entry, signal, changed } = run;
  const out = pieces(run, directives.splitBytes);
  if (!(await quietly(run, pace.slot(), stream))) return;
  await quietly(run, pause(pace.firstMs, signal), stream);
  if (stream && !signal.aborted) sendHead(run, 200, stream.headers);
  let first = true;
  for (const act of acts) {
    if (signal.aborted) return;
    if ((act.do === "write" || act.do === "produce") && act.tokens > 0) {
      if (!first) await quietly(run, pause(pace.gapMs, signal), stream);
      if (signal.aborted) return;
      first = false;
      entry.tokens += act.tokens;
      changed();
    }
    switch (act.do) {
      case "write":
        entry.events++;
        await out.write(act.bytes);
        // One turn of the event loop per event lets a disconnect be noticed in a stream without gaps.
        await pause(0, signal);
        break;
      case "produce":
        break;
      case "answer": {
        const { status, headers, body } = act.reply;
        sendHead(run, status, {
          ...headers,
          "content-length": String(Buffer.byteLength(body) + excess(act.bytes, body)),
        });
        entry.events++;
        await out.write(act.bytes);
        break;
      }
      case "hang":
        await out.flush();
        return fired(signal);
      case "reset":
        await out.flush();
        return reset(run);
      case "close":
        await out.flush();
        finish(run, "faulted");
        run.res.socket?.end();
        return;
      case "end":
        await out.flush();
        return end(run, act.faulted);
    }
  }
}

/** Tells a client that is still there that the engine's own abort call has ended its request. */
function sayAborted(run: Run, reply: Whole | Stream): void {
  const { res, entry, signal, changed } = run;
  if (!signal.aborted || reply.aborted === undefined || res.destroyed || res.writableEnded) return;
  const said = typeof reply.aborted === "string" ? reply.aborted : reply.aborted.join("");
  sendHead(run, 200, reply.headers);
  finish(run, "aborted");
  entry.bytes += Buffer.byteLength(said);
  changed();
  res.end(said);
}

/** Bytes put in beyond the body that was declared: a spoilt body has to fit its own length. */
function excess(bytes: Buffer, body: string): number {
  return Math.max(0, bytes.length - Buffer.byteLength(body));
}

/** The body as it falls, or in pieces of exactly `size` bytes, each its own write. */
function pieces(run: Run, size: number | undefined) {
  let held = Buffer.alloc(0);
  return {
    async write(bytes: Buffer): Promise<void> {
      if (size === undefined) return send(run, bytes);
      held = Buffer.concat([held, bytes]);
      while (held.length >= size && !run.signal.aborted) {
        await send(run, held.subarray(0, size));
        // Two writes in one turn may share a packet.
        await pause(0, run.signal);
        held = held.subarray(size);
      }
    },
    async flush(): Promise<void> {
      await send(run, held);
      held = Buffer.alloc(0);
    },
  };
}

/** Waits for something, writing the engine's comment pings where it has any and the headers are out. */
async function quietly<T>(run: Run, until: Promise<T>, stream: Stream | undefined): Promise<T> {
  const ping = stream?.ping;
  if (!ping || !run.res.headersSent) return until;
  const timer = setInterval(() => void send(run, Buffer.from(ping.wire)), ping.everyMs);
  try {
    return await until;
  } finally {
    clearInterval(timer);
  }
}

async function reset(run: Run): Promise<void> {
  // What was written must reach the reader: a reset throws away whatever the kernel still holds.
  await pause(0, run.signal);
  finish(run, "faulted");
  run.res.socket?.resetAndDestroy();
}

function end(run: Run, faulted: boolean): Promise<void> {
  const { res } = run;
  if (res.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    res.once("close", resolve);
    res.end(() => {
      finish(run, faulted ? "faulted" : "finished");
      resolve();
    });
  });
}
