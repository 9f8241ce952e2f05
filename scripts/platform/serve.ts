import type { D1Database } from "@cloudflare/workers-types";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { join } from "node:path";
import { bundleWorker, ROOT } from "./bundle.ts";
import { startFront } from "./front.ts";
import { migrate } from "./migrate.ts";

/** The platform on this machine. */
export type Platform = {
  readonly url: string;
  readonly database: D1Database;
  stop(): Promise<void>;
};

export type PlatformOptions = {
  readonly port: number;
  /** Where D1, KV and Durable Objects persist; in memory when absent. */
  readonly stateDir?: string;
  /** Variables and secrets of the Worker. */
  readonly variables: Readonly<Record<string, string>>;
  /** The Worker's own log lines; they go nowhere when absent. */
  readonly onLog?: (line: string) => void;
  readonly script?: string;
};

const HOST = "127.0.0.1";

/**
 * Serves the built Worker on workerd, with the bindings of wrangler.toml on local storage. Requests reach it by a
 * direct socket: neither wrangler's proxy nor Miniflare's own entry stands in between (40 and 3 times the CPU), only a
 * front that tells it of clients that left. Engines are reached by EGRESS, without Miniflare's Worker for `fetch`.
 */
export async function servePlatform(options: PlatformOptions): Promise<Platform> {
  const script = options.script ?? (await bundleWorker());
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      cf: false,
      logRequests: false,
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      ...(options.stateDir !== undefined && { resourcePersistencePath: join(options.stateDir, "v3") }),
      handleStructuredLogs: ({ message }: { message: string }) => options.onLog?.(message),
      workers: [
        {
          name: "eco-base",
          modules: [{ type: "ESModule", path: join(ROOT, "index.js"), contents: script }],
          modulesRoot: ROOT,
          compatibilityDate: "2026-10-20",
          compatibilityFlags: ["enable_request_signal", "request_signal_passthrough"],
          // Engines of this machine and its network are what it is for, and who asks is on this machine.
          bindings: { ALLOW_PRIVATE_ENGINES: "1", CLIENT_ADDRESS: HOST, ...options.variables },
          // The names under which `wrangler dev` keeps them, so that both see the same.
          d1Databases: { DB: "DB" },
          kvNamespaces: { KEY_CACHE: "KEY_CACHE" },
          durableObjects: {
            METRICS: { className: "MetricsObject", useSQLite: true },
            ENGINE: { className: "EngineObject", useSQLite: true },
            FLEET: { className: "FleetObject", useSQLite: true },
            REQUESTS: { className: "RequestsObject", useSQLite: true },
            KEY: { className: "KeyObject", useSQLite: true },
            THROTTLE: { className: "ThrottleObject", useSQLite: true },
          },
          serviceBindings: { EGRESS: { network: { allow: ["local", "private", "public"] } } },
          unsafeDirectSockets: [{ host: HOST, port: 0, entrypoint: "default" }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const database = (await miniflare.getD1Database("DB", "eco-base")) as unknown as D1Database;
  await migrate(database, join(ROOT, "migrations"));
  const worker = await miniflare.unsafeGetDirectURL("eco-base");
  const front = await startFront(HOST, options.port, Number(worker.port));
  return {
    url: `http://${HOST}:${front.port}`,
    database,
    async stop() {
      await front.stop();
      await miniflare.dispose();
    },
  };
}
