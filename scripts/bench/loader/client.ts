import { type Socket, connect } from "node:net";
import { monotonicMs } from "../clock.ts";
import { AnswerReader } from "./answer-reader.ts";
import { EventCounter } from "./event-counter.ts";
import { LATE_MS, type Load } from "./load.ts";

/** What all clients of one load have seen so far. */
export type Tallies = {
  requests: number;
  errors: number;
  non200: number;
  incomplete: number;
  chunks: number;
  lateChunks: number;
  lastEndMs: number;
  readonly latencyMs: number[];
  readonly firstTokenMs: number[];
  readonly delayMs: number[];
};

// One buffer for all sockets: libuv fills it and hands it over in the same turn, and every byte is read at once.
const shared = Buffer.allocUnsafe(256 * 1024);

/** One connection that sends a request, reads its answer, and says when it is over. */
export class Client {
  readonly #load: Load;
  readonly #tallies: Tallies;
  readonly #onIdle: (client: Client) => void;
  readonly #answer = new AnswerReader((text) => this.#events?.push(text));
  readonly #events: EventCounter | undefined;
  #socket: Socket | undefined;
  #busy = false;
  #sinceMs = 0;
  #readMs = 0;
  #chunks = 0;
  #done = false;

  constructor(load: Load, tallies: Tallies, onIdle: (client: Client) => void) {
    this.#load = load;
    this.#tallies = tallies;
    this.#onIdle = onIdle;
    if (load.stream)
      this.#events = new EventCounter({
        chunk: (writtenMs) => this.#chunk(writtenMs),
        done: () => (this.#done = true),
      });
  }

  /** Sends a request. Its times count from `sinceMs` of the monotonic clock. */
  send(request: Buffer, sinceMs: number): void {
    this.#busy = true;
    this.#sinceMs = sinceMs;
    this.#chunks = 0;
    this.#done = false;
    this.#answer.restart();
    this.#events?.restart();
    this.#socket ??= this.#connect();
    this.#socket.write(request);
  }

  /** Ends the connection. A request that is still open counts as an error. */
  close(): void {
    if (this.#busy) this.#over("error");
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Socket {
    const callback = (sizeBytes: number): boolean => {
      if (this.#socket === socket && this.#busy) this.#read(shared.toString("latin1", 0, sizeBytes));
      return true;
    };
    const socket: Socket = connect({
      port: this.#load.port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: shared, callback },
    });
    const lost = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (this.#busy) this.#over("error");
    };
    socket.on("error", lost);
    socket.on("end", lost);
    socket.on("close", lost);
    return socket;
  }

  #read(text: string): void {
    this.#readMs = monotonicMs();
    const progress = this.#answer.push(text);
    const { leave } = this.#load;
    if (leave && this.#chunks >= leave.afterChunks) {
      const socket = this.#drop();
      if (leave.how === "rst") socket?.resetAndDestroy();
      else socket?.destroy();
      this.#over("left");
    } else if (progress === "done") {
      if (!this.#answer.keepAlive) this.#drop()?.destroy();
      this.#over("answered");
    } else if (progress === "broken") {
      this.#drop()?.destroy();
      this.#over("error");
    }
  }

  #drop(): Socket | undefined {
    const socket = this.#socket;
    this.#socket = undefined;
    return socket;
  }

  #chunk(writtenMs: number): void {
    const delayMs = this.#readMs - writtenMs;
    this.#chunks += 1;
    this.#tallies.chunks += 1;
    this.#tallies.delayMs.push(delayMs);
    if (delayMs > LATE_MS) this.#tallies.lateChunks += 1;
    if (this.#chunks === 1) this.#tallies.firstTokenMs.push(this.#readMs - this.#sinceMs);
  }

  #over(how: "answered" | "left" | "error"): void {
    const tallies = this.#tallies;
    this.#busy = false;
    tallies.requests += 1;
    tallies.lastEndMs = monotonicMs();
    if (how === "error") tallies.errors += 1;
    else if (this.#answer.status !== 200) tallies.non200 += 1;
    else if (how === "answered") {
      tallies.latencyMs.push(this.#readMs - this.#sinceMs);
      if (this.#load.stream && (!this.#done || this.#chunks !== (this.#load.chunksPerStream ?? this.#chunks)))
        tallies.incomplete += 1;
    }
    this.#onIdle(this);
  }
}
