import type { IncomingMessage, ServerResponse } from "node:http";
import { zstdDecompressSync } from "node:zlib";
import { deliver } from "./deliver.ts";
import { mergeDirectives, takeDirectives } from "./directives.ts";
import type { Directives } from "./directives.ts";
import type { Journal, SeenRequest } from "./journal.ts";
import { routeOf } from "./kinds/kind.ts";
import type { Call, Context, EngineKind, Handler, Route } from "./kinds/kind.ts";
import { text } from "./kinds/reply.ts";
import type { Reply, Whole } from "./kinds/reply.ts";
import { parseJson } from "./model/json.ts";
import { finish, now } from "./run.ts";
import type { Run } from "./run.ts";
import type { Settings } from "./settings.ts";
import { Slots, fired, pause } from "./waiting.ts";

const ZSTD_BODY_BYTES_MAX = 20 * 1024 * 1024;
const TUNNEL_PAGE = `<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>Bad gateway</h1><p>The origin did not answer.</p></body></html>
`;

export type Serving = {
  receive: (req: IncomingMessage, url: URL, raw: Buffer, res: ServerResponse) => Promise<void>;
  /** Lets in whom the settings now allow: waiting requests, and those that wait for the model. */
  settingsChanged: () => void;
  /** Forgets which `once` directives were used. */
  forget: () => void;
  stopAll: () => void;
};

/** Answers requests as the kind does: the way from a parsed request through slots and faults to the journal. */
export function serveKind(
  kind: EngineKind,
  names: string[],
  settings: Settings,
  journal: Journal,
  nowMs: () => number,
): Serving {
  const slots = new Slots(() => settings.slots);
  const runs = new Map<SeenRequest, { call: Call; stop: AbortController }>();
  const spent = new Set<string>();
  let serial = 0;
  let loaded = new AbortController();

  const count = (changes: Partial<Journal["counters"]>) => journal.count(changes);

  async function receive(req: IncomingMessage, url: URL, raw: Buffer, res: ServerResponse): Promise<void> {
    const headers = Object.fromEntries(
      Object.entries(req.headers).map(([key, value]) => [key, String(value)]),
    );
    const decoded = kind.takesZstd && headers["content-encoding"] === "zstd" ? unzstd(raw) : raw;
    const bodyText = decoded.toString();
    const json = parseJson(bodyText);
    const startedMs = now();
    const method = req.method ?? "GET";
    const entry = journal.begin({
      method,
      path: url.pathname,
      headers,
      body: json ?? (bodyText || undefined),
      startedMs,
    });
    const stop = new AbortController();
    const changed = () => journal.changed();
    const run: Run = { res, entry, signal: stop.signal, changed };
    const taken = json === undefined ? { body: undefined, blocks: [] } : takeDirectives(json);
    const match = routeOf(kind, method, url.pathname);
    const found = match === "method" ? undefined : match;
    const call: Call = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: taken.body,
      params: found?.params ?? {},
    };
    runs.set(entry, { call, stop });
    watch(run, call, stop);
    // Only kinds that limit a connection announce its state; the others leave HTTP/1.1's default unsaid.
    if (kind.requestsPerConnectionMax === 0) res.removeHeader("connection");
    for (const [header, value] of Object.entries(kind.headers)) res.setHeader(header, value);
    try {
      await serve(
        run,
        call,
        found?.route,
        match === "method" ? kind.wrongMethod : kind.notFound,
        taken.blocks,
      );
    } finally {
      runs.delete(entry);
      // Whatever was still open when the run stopped was stopped by its client.
      finish(run, "aborted");
    }
  }

  async function serve(
    run: Run,
    call: Call,
    route: Route | undefined,
    missing: Handler,
    blocks: string[],
  ): Promise<void> {
    const generating = route?.generates ?? false;
    const ordered = orders(generating, blocks);
    const context: Context = {
      call,
      settings,
      directives: ordered.ok ? ordered.directives : {},
      nowMs: nowMs(),
      serial: ++serial,
      load: {
        running: slots.taken,
        waiting: slots.waiting,
        promptTokens: journal.counters.promptTokens,
        tokens: journal.counters.tokens,
        finished: journal.counters.finished,
      },
      countPrompt: (tokens) => count({ promptTokens: journal.counters.promptTokens + tokens }),
      cancel,
    };
    if (generating) count({ accepted: journal.counters.accepted + 1 });
    const reply = ordered.ok
      ? await replyTo(run, context, route, missing)
      : text(500, "text/plain", `${ordered.reason}\n`);
    const { directives } = context;
    let holding = false;
    const pace = {
      headersMs: directives.headersMs ?? 0,
      firstMs: generating ? (directives.firstMs ?? settings.latencyMs) : 0,
      gapMs: directives.gapMs ?? settings.gapMs,
      slot: async () => {
        if (!generating) return true;
        holding = await takeSlot(run);
        return holding;
      },
    };
    try {
      await deliver(run, kind, reply, directives, pace, () => wholeError(500, context));
    } finally {
      const { tokens, finished } = journal.counters;
      count({
        tokens: tokens + run.entry.tokens,
        finished: finished + (generating && run.entry.state === "finished" ? 1 : 0),
      });
      if (holding) slots.free();
      count({ running: slots.taken, waiting: slots.waiting });
    }
  }

  async function takeSlot(run: Run): Promise<boolean> {
    const turn = slots.take(run.signal);
    run.entry.state = "queued";
    count({ waiting: slots.waiting });
    const taken = await turn;
    if (taken) run.entry.state = "running";
    count({ running: slots.taken, waiting: slots.waiting });
    return taken;
  }

  /** The directives that hold for a request: server-wide ones first, so that its own win. */
  function orders(generating: boolean, blocks: string[]): ReturnType<typeof mergeDirectives> {
    if (!generating) return { ok: true, directives: {} };
    const failing = settings.failNext.count > 0 ? [settings.failNext.with] : [];
    if (failing.length > 0) settings.failNext = { ...settings.failNext, count: settings.failNext.count - 1 };
    const all = [settings.always, ...(settings.inBand ? blocks : []), ...failing];
    return mergeDirectives(all, { names, spent });
  }

  async function replyTo(
    run: Run,
    context: Context,
    route: Route | undefined,
    missing: Handler,
  ): Promise<Reply> {
    const { directives } = context;
    const blocked = kind.loadingBlocks === "all" || (route?.generates ?? false);
    if ((settings.loading && blocked) || directives.loading !== undefined) {
      const reply: Reply = kind.loading === "refuse" ? { type: "reset" } : kind.loading(context);
      if (reply.type !== "later") return reply;
      await untilLoaded(run, reply.ms, directives);
    }
    const refused = kind.admit(context, route);
    if (refused) return refused;
    if (!route) return missing(context);
    if (directives.html) return text(502, "text/html; charset=UTF-8", TUNNEL_PAGE);
    if (directives.status !== undefined) return kind.error(directives.status, context);
    if (directives.overload) return kind.overload(context);
    return route.handle(forKind(context));
  }

  /** Kinds that do not report an abort are cut instead, as an engine that shuts down cuts its streams. */
  function forKind(context: Context): Context {
    const { directives } = context;
    if (kind.saysAbort || directives.abortTokens === undefined) return context;
    directives.die ??= { unit: "tokens", count: directives.abortTokens };
    delete directives.abortTokens;
    return context;
  }

  async function untilLoaded({ signal }: Run, ms: number | undefined, directives: Directives): Promise<void> {
    if (ms !== undefined) await pause(ms, signal);
    else if (directives.loading === true) await fired(signal);
    else await fired(AbortSignal.any([signal, loaded.signal]));
  }

  function wholeError(status: number, context: Context): Whole {
    const reply = kind.error(status, context);
    return reply.type === "whole" ? reply : text(status, "text/plain", "");
  }

  /** Stops the generation once its client has left, as soon as the engine looks. */
  function watch(run: Run, call: Call, stop: AbortController): void {
    run.res.on("close", () => {
      if (run.res.writableFinished || run.entry.endedMs !== undefined) return;
      const leftMs = now();
      if (kind.survivesDisconnect?.(call)) {
        call.clientLeft = true;
        return;
      }
      const every = settings.disconnectPollMs;
      const notice = () => {
        if (run.entry.endedMs !== undefined) return;
        const { tokens: atToken, startedMs } = run.entry;
        run.entry.aborted = { atToken, afterStartMs: now() - startedMs, afterDisconnectMs: now() - leftMs };
        stop.abort();
        finish(run, "aborted");
      };
      if (every === 0) notice();
      else setTimeout(notice, every - ((leftMs - run.entry.startedMs) % every)).unref();
    });
  }

  function cancel(matches: (call: Call) => boolean): number {
    const matching = [...runs].filter(([, { call }]) => matches(call));
    for (const [entry, { stop }] of matching) {
      const { tokens: atToken, startedMs } = entry;
      entry.aborted ??= { atToken, afterStartMs: now() - startedMs, afterDisconnectMs: 0 };
      stop.abort();
    }
    return matching.length;
  }

  return {
    receive,
    settingsChanged: () => {
      slots.admit();
      if (settings.loading) return;
      loaded.abort();
      loaded = new AbortController();
    },
    forget: () => spent.clear(),
    stopAll: () => cancel(() => true),
  };
}

function unzstd(raw: Buffer): Buffer {
  try {
    return zstdDecompressSync(raw, { maxOutputLength: ZSTD_BODY_BYTES_MAX });
  } catch {
    return Buffer.alloc(0);
  }
}
