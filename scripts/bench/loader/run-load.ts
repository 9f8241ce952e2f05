import { monotonicMs } from "../clock.ts";
import { summarize } from "../statistics.ts";
import { Client, type Tallies } from "./client.ts";
import { GRACE_MS, type Load, type LoadReport } from "./load.ts";

/** The bytes of the requests that a load consists of, made once; one for each of its credentials, if it has any. */
function requestsOf({ credentials, ...load }: Load): [Buffer, ...Buffer[]] {
  const [first, ...others] = (credentials ?? []).map((authorization) =>
    requestBytes({ ...load, headers: { ...load.headers, authorization } }),
  );
  return first ? [first, ...others] : [requestBytes(load)];
}

function requestBytes({ port, path, headers, body }: Load): Buffer {
  const lines = Object.entries({
    host: `127.0.0.1:${port}`,
    "content-type": "application/json",
    ...headers,
    "content-length": Buffer.byteLength(body),
  });
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
  );
}

/** Puts a load on a server until its time is over, and says what came back. It always ends. */
export async function runLoad(load: Load): Promise<LoadReport> {
  const tallies: Tallies = {
    requests: 0,
    errors: 0,
    non200: 0,
    incomplete: 0,
    chunks: 0,
    lateChunks: 0,
    lastEndMs: 0,
    latencyMs: [],
    firstTokenMs: [],
    delayMs: [],
  };
  const lagMs: number[] = [];
  const requests = requestsOf(load);
  const startMs = monotonicMs();
  const stopMs = startMs + load.durationMs;
  const requestsMax = load.requestsMax ?? Number.POSITIVE_INFINITY;
  const mayBegin = (nowMs: number) => nowMs < stopMs && begun < requestsMax;
  const idle: Client[] = [];
  const timers = new Set<NodeJS.Timeout>();
  let begun = 0;
  let open = 0;
  let settle: () => void = () => undefined;

  const begin = (client: Client, sinceMs: number) => {
    const request = requests[begun % requests.length] ?? requests[0];
    begun += 1;
    open += 1;
    client.send(request, sinceMs);
  };
  const next = (client: Client) => {
    open -= 1;
    const nowMs = monotonicMs();
    if (load.ratePerS === undefined && mayBegin(nowMs)) begin(client, nowMs);
    else idle.push(client);
    if (open === 0 && !mayBegin(monotonicMs())) settle();
  };
  const clients = Array.from({ length: load.connections }, () => new Client(load, tallies, next));

  await new Promise<void>((resolve) => {
    settle = resolve;
    const after = (delayMs: number, act: () => void) => void timers.add(setTimeout(act, delayMs));
    if (load.ratePerS !== undefined) {
      idle.push(...clients);
      openLoop(load.ratePerS, { startMs, stopMs, idle, begin, lagMs, after });
    } else {
      const rampMs = load.rampMs ?? 0;
      for (const [at, client] of clients.entries()) {
        const start = () => void (mayBegin(monotonicMs()) && begin(client, monotonicMs()));
        if (rampMs > 0) after((rampMs * at) / load.connections, start);
        else start();
      }
    }
    after(load.durationMs + 1, () => void (open === 0 && resolve()));
    after(load.durationMs + GRACE_MS, resolve);
  });
  for (const timer of timers) clearTimeout(timer);
  for (const client of clients) client.close();

  const {
    requests: answered,
    errors,
    non200,
    incomplete,
    chunks,
    lateChunks,
    latencyMs,
    firstTokenMs,
    delayMs,
  } = tallies;
  return {
    requests: answered,
    seconds: Math.max(1, tallies.lastEndMs - startMs) / 1000,
    errors,
    non200,
    incomplete,
    chunks,
    lateChunks,
    latency: summarize(latencyMs),
    firstToken: summarize(firstTokenMs),
    delay: summarize(delayMs),
    lag: summarize(lagMs),
  };
}

type OpenLoop = {
  readonly startMs: number;
  readonly stopMs: number;
  readonly idle: Client[];
  readonly lagMs: number[];
  begin(client: Client, sinceMs: number): void;
  after(delayMs: number, act: () => void): void;
};

/**
 * Begins a request every 1000 / rate milliseconds. A request counts from the moment it was due where it had to wait for
 * a free connection (the gateway's doing), and from its sending where only this process's timer was late (our own).
 */
function openLoop(ratePerS: number, { startMs, stopMs, idle, begin, lagMs, after }: OpenLoop): void {
  let due = 0;
  let waited = false;
  const tick = () => {
    const nowMs = monotonicMs();
    for (;;) {
      const dueMs = startMs + (due * 1000) / ratePerS;
      if (dueMs >= stopMs || nowMs >= stopMs) return;
      if (dueMs > nowMs) {
        waited = false;
        return after(dueMs - nowMs, tick);
      }
      const client = idle.pop();
      if (!client) {
        waited = true;
        return after(1, tick);
      }
      if (!waited) lagMs.push(nowMs - dueMs);
      begin(client, waited ? dueMs : nowMs);
      due += 1;
    }
  };
  tick();
}
