import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { quietProgress } from "../progress/progress.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { until } from "../testing/harness.ts";
import { download } from "./download.ts";
import { partOf } from "./store.ts";

const folder = temporaryFolder();
const path = join(folder, "model.gguf");
const CONTENT = Buffer.from(Array.from({ length: 50_000 }, (_, index) => index % 251));

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let handle: Handler;
const ranges: Array<string | undefined> = [];
const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  handle(request, response);
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => server.close());
beforeEach(async () => {
  ranges.length = 0;
  await rm(partOf(path), { force: true });
});

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/model`;
const fromOf = (request: IncomingMessage): number =>
  Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);

/** A server that knows ranges, like those of model hubs. */
const whole: Handler = (request, response) => {
  const from = fromOf(request);
  response.writeHead(from > 0 ? 206 : 200, { "content-length": CONTENT.length - from });
  response.end(CONTENT.subarray(from));
};

/** Sends so many bytes and, once they have been written, breaks the connection. */
const breaksAfter =
  (sizeBytes: number): Handler =>
  (request, response) => {
    const from = fromOf(request);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": CONTENT.length - from });
    response.write(CONTENT.subarray(from, from + sizeBytes));
    const arrived = async () =>
      ((await stat(partOf(path)).catch(() => undefined))?.size ?? 0) >= from + sizeBytes;
    void until(arrived, "the bytes have arrived").then(() => request.socket.destroy());
  };

const run = (options: object = {}) =>
  download(url(), path, CONTENT.length, {
    progress: quietProgress,
    signal: new AbortController().signal,
    retryMs: 1,
    ...options,
  });

describe("download", () => {
  it("fetches a file in one go", async () => {
    handle = whole;
    expect(await run()).toEqual({ ok: true, value: undefined });
    expect(await readFile(partOf(path))).toEqual(CONTENT);
    expect(ranges).toEqual([undefined]);
  });

  it("goes on where an earlier start stopped", async () => {
    await writeFile(partOf(path), CONTENT.subarray(0, 20_000));
    handle = whole;
    const seen: number[] = [];
    expect(
      await run({ progress: { ...quietProgress, advance: (bytes: number) => void seen.push(bytes) } }),
    ).toMatchObject({ ok: true });
    expect(await readFile(partOf(path))).toEqual(CONTENT);
    expect(ranges).toEqual(["bytes=20000-"]);
    expect(seen.reduce((sum, bytes) => sum + bytes, 0)).toBe(CONTENT.length);
  });

  it("goes on after each break of the connection, as long as bytes come", async () => {
    handle = (request, response) => (ranges.length < 6 ? breaksAfter(8000) : whole)(request, response);
    expect(await run()).toMatchObject({ ok: true });
    expect(await readFile(partOf(path))).toEqual(CONTENT);
    expect(ranges.length).toBeGreaterThan(2);
  });

  it("gives up when no more bytes come, and keeps what it has", async () => {
    handle = (request, response) =>
      (ranges.length === 1 ? breaksAfter(30_000) : breaksAfter(0))(request, response);
    expect(await run()).toMatchObject({ ok: false, problem: { kind: "no_network" } });
    expect((await readFile(partOf(path))).length).toBeGreaterThan(0);
    expect(ranges.length).toBeLessThan(6);
  });

  it("begins anew where the server does not know ranges", async () => {
    await writeFile(partOf(path), "something old");
    handle = (_, response) => response.writeHead(200).end(CONTENT);
    expect(await run()).toMatchObject({ ok: true });
    expect(await readFile(partOf(path))).toEqual(CONTENT);
  });

  it("begins anew where the server has less than we do", async () => {
    await writeFile(partOf(path), CONTENT.subarray(0, 40_000));
    handle = (request, response) =>
      request.headers.range ? response.writeHead(416).end() : whole(request, response);
    expect(await run()).toMatchObject({ ok: true });
    expect(await readFile(partOf(path))).toEqual(CONTENT);
  });

  it.each<[string, Handler, string, RegExp]>([
    ["that is not there", (_, response) => response.writeHead(404).end(), "not_available", /answered 404/],
    [
      "that is too short",
      (_, response) => response.writeHead(200).end(CONTENT.subarray(0, 10)),
      "failed",
      /only 10 of 50000 bytes/,
    ],
    [
      "that is too long",
      (_, response) => response.writeHead(200).end(Buffer.concat([CONTENT, CONTENT])),
      "checksum",
      /instead of 50000/,
    ],
  ])("tells of a file %s", async (_, handler, kind, line) => {
    handle = handler;
    expect(await run()).toMatchObject({ ok: false, problem: { kind, line: expect.stringMatching(line) } });
  });

  it("tells of a server that is not there", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const closed = `http://127.0.0.1:${(other.address() as AddressInfo).port}/model`;
    await new Promise((resolve) => other.close(resolve));
    const result = await download(closed, path, 10, {
      progress: quietProgress,
      signal: new AbortController().signal,
    });
    expect(result).toMatchObject({
      ok: false,
      problem: { kind: "no_network", line: expect.stringContaining("ECONNREFUSED") },
    });
    expect(existsSync(partOf(path))).toBe(false);
  });

  it("stops when it is told to, and keeps what it has", async () => {
    const stop = new AbortController();
    handle = (_, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 10_000));
    };
    const progress = { ...quietProgress, advance: (bytes: number) => void (bytes > 0 && stop.abort()) };
    expect(await run({ progress, signal: stop.signal })).toMatchObject({
      ok: false,
      problem: { kind: "aborted" },
    });
  });
});
