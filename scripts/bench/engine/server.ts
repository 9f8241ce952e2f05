import { type Server, type Socket, createServer } from "node:net";
import { monotonicMs } from "../clock.ts";
import { NOT_FOUND, STREAMED, type StreamScript, WHOLE } from "./answers.ts";
import { type Behaviour, readBehaviour } from "./behaviour.ts";
import { RequestReader } from "./request-reader.ts";

/** What an engine has done since it started. */
export type EngineStats = {
  readonly requests: number;
  /** Content chunks written. */
  readonly chunks: number;
  /** Streams that are being written now. */
  readonly open: number;
};

/** Serves the bench's engine: as cheap as Node can be, and nothing of a model. */
export function createEngine(): { server: Server; stats(): EngineStats } {
  const stats = { requests: 0, chunks: 0, open: 0 };
  const server = createServer({ noDelay: true }, (socket) => {
    const reader = new RequestReader();
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      try {
        for (const { path, body } of reader.push(bytes.toString("latin1"))) {
          stats.requests += 1;
          answer(socket, path, body, stats);
        }
      } catch {
        socket.destroy();
      }
    });
  });
  return { server, stats: () => ({ ...stats }) };
}

type Counters = { -readonly [K in keyof EngineStats]: EngineStats[K] };

function answer(socket: Socket, path: string, body: string, stats: Counters): void {
  const script = STREAMED[path];
  const behaviour = script && readBehaviour(body);
  if (script && behaviour?.stream) void new Stream(socket, script, behaviour, stats);
  else socket.write(WHOLE[path] ?? NOT_FOUND);
}

/** One streamed answer. It ends early when its client goes, and counts what it wrote. */
class Stream {
  readonly #socket: Socket;
  readonly #script: StreamScript;
  readonly #behaviour: Behaviour;
  readonly #stats: Counters;
  readonly #leave = () => this.#end();
  #timer: NodeJS.Timeout | undefined;
  #written = 0;
  #dueMs = monotonicMs();

  constructor(socket: Socket, script: StreamScript, behaviour: Behaviour, stats: Counters) {
    this.#socket = socket;
    this.#script = script;
    this.#behaviour = behaviour;
    this.#stats = stats;
    stats.open += 1;
    socket.once("close", this.#leave);
    socket.write(script.open, "latin1");
    this.#step();
  }

  /** Writes what is due; each chunk is one write, as an engine that flushes every token does it. */
  #step(): void {
    const { gapMs, chunks } = this.#behaviour;
    while (this.#written < chunks) {
      const nowMs = monotonicMs();
      if (this.#dueMs > nowMs) {
        this.#timer = setTimeout(() => this.#step(), this.#dueMs - nowMs);
        return;
      }
      this.#socket.write(this.#script.chunk(nowMs), "latin1");
      this.#stats.chunks += 1;
      this.#written += 1;
      this.#dueMs += gapMs;
    }
    this.#socket.write(this.#script.end(this.#behaviour), "latin1");
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#socket.removeListener("close", this.#leave);
    this.#stats.open -= 1;
  }
}
