import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { control } from "./control.ts";
import { parseDirectives } from "./directives.ts";
import { Journal } from "./journal.ts";
import type { Seen } from "./journal.ts";
import { kinds } from "./kinds/registry.ts";
import type { SimulatedKind } from "./kinds/registry.ts";
import { serveKind } from "./serve.ts";
import { DEFAULTS } from "./settings.ts";
import type { Settings } from "./settings.ts";

export type SimulatorOptions = Partial<Settings> & {
  kind: SimulatedKind;
  /** 0, the default, takes a free one. */
  port?: number;
  /** What `[sim on=...]` may call this server besides its kind. */
  name?: string;
  /** The clock behind `created` and the like; a fixed one makes recordings repeatable. */
  nowMs?: () => number;
};

export type Simulator = {
  kind: SimulatedKind;
  /** `http://127.0.0.1:PORT`, without a path. */
  url: string;
  port: number;
  settings: Readonly<Settings>;
  /** Changes the server-wide behaviour; resolves when it holds. Throws on a setting or directive that does not exist. */
  configure: (changes: Partial<Settings>) => Promise<void>;
  seen: () => Seen;
  reset: () => void;
  /** The first state that satisfies the predicate; rejects after `deadlineMs`. */
  waitFor: (predicate: (seen: Seen) => boolean, deadlineMs?: number) => Promise<Seen>;
  /** Dies as a killed process does: every connection is reset and new ones are refused. */
  kill: () => Promise<void>;
  /** Listens again, on the same port. */
  revive: () => Promise<void>;
  stop: () => Promise<void>;
};

const HOST = "127.0.0.1";
const WAIT_MS_DEFAULT = 5_000;

/** Starts a server on loopback that speaks the engine's wire protocol. Rejects where the port is taken. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { kind: id, port: wantedPort = 0, name, nowMs = Date.now, ...given } = options;
  const kind = kinds[id];
  const settings: Settings = { ...DEFAULTS, ...kind.defaults };
  const journal = new Journal();
  const serving = serveKind(kind, name === undefined ? [id] : [id, name], settings, journal, nowMs);
  const sockets = new Set<Socket>();
  let acceptAgain: NodeJS.Timeout | undefined;

  const server: Server = createServer(
    { keepAliveTimeout: kind.keepAliveMs, requestTimeout: 0 },
    (req, res) => {
      receive(req, res).catch((error: unknown) => confess(error, res));
    },
  );
  server.maxRequestsPerSocket = kind.requestsPerConnectionMax;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    journal.count({ openConnections: sockets.size });
    socket.on("close", () => {
      sockets.delete(socket);
      journal.count({ openConnections: sockets.size });
    });
  });

  async function receive(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Not with a base: `//` would be an address without a host.
    const url = URL.parse(`http://${HOST}${req.url}`);
    if (!url) return void res.writeHead(400).end();
    const raw = await readBody(req);
    if (raw === undefined) return;
    if (url.pathname.startsWith("/__sim/"))
      return control(simulator, req.method ?? "", url.pathname, raw, res);
    return serving.receive(req, url, raw, res);
  }

  async function listen(port: number): Promise<void> {
    if (server.listening) return;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, HOST, () => {
        server.off("error", reject);
        resolve();
      });
    });
  }

  /** Stops listening; what is connected stays connected unless told otherwise. */
  async function deafen(reset: boolean): Promise<void> {
    clearTimeout(acceptAgain);
    if (server.listening) server.close();
    if (reset) for (const socket of sockets) socket.resetAndDestroy();
    else server.closeIdleConnections();
  }

  async function configure(changes: Partial<Settings>): Promise<void> {
    const unknown = Object.keys(changes).find((key) => !Object.hasOwn(DEFAULTS, key));
    if (unknown !== undefined) throw new Error(`There is no setting '${unknown}'`);
    for (const block of [changes.always, changes.failNext?.with]) {
      const parsed = parseDirectives(block ?? "");
      if (!parsed.ok) throw new Error(parsed.reason);
    }
    Object.assign(settings, changes);
    serving.settingsChanged();
    const refusing = settings.refuse || (settings.loading && kind.loading === "refuse");
    if (!refusing) return listen(boundPort);
    await deafen(false);
    if (typeof settings.refuse !== "number") return;
    acceptAgain = setTimeout(() => void configure({ refuse: false }), settings.refuse);
    acceptAgain.unref();
  }

  await listen(wantedPort);
  const { port: boundPort } = server.address() as AddressInfo;
  const simulator: Simulator = {
    kind: id,
    url: `http://${HOST}:${boundPort}`,
    port: boundPort,
    settings,
    configure,
    seen: () => journal.seen(),
    reset: () => {
      serving.forget();
      journal.reset();
    },
    waitFor: (predicate, deadlineMs = WAIT_MS_DEFAULT) => journal.waitFor(predicate, deadlineMs),
    kill: () => deafen(true),
    revive: () => listen(boundPort),
    stop: async () => {
      serving.stopAll();
      await deafen(true);
    },
  };
  await configure(given);
  return simulator;
}

/** A bug costs its own request only, and is seen: a simulator that ends would look like an engine that was killed. */
function confess(error: unknown, res: ServerResponse): void {
  console.error("the simulator failed:", error);
  if (res.headersSent) return void res.destroy();
  res.writeHead(500, { "content-type": "text/plain" }).end(`the simulator failed: ${String(error)}\n`);
}

/** The request's body, or undefined where the client left while sending it. */
async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  try {
    for await (const part of req) parts.push(part);
  } catch {
    return undefined;
  }
  return Buffer.concat(parts);
}
