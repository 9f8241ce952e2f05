/**
 * The engine's log. llama.cpp prints what it cannot read, so a client has a say in what comes: lines are cut, and the
 * file never grows beyond twice its bound, as it and `<file>.old`.
 */
import { appendFileSync, chmodSync, renameSync, statSync } from "node:fs";
import { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export type LogFileOptions = {
  /** Beyond it the file is renamed to `<file>.old`, over an earlier one. */
  sizeBytesMax?: number;
};

const SIZE_BYTES_MAX = 16 * 1024 * 1024;
const LINE_CHARS_MAX = 500;

/** Appends the lines written to it, each of at most 500 characters, to a file that only its owner may read. */
export function openLogFile(path: string, { sizeBytesMax = SIZE_BYTES_MAX }: LogFileOptions = {}): Writable {
  const cut = lineCutter(LINE_CHARS_MAX);
  const decoder = new StringDecoder();
  let sizeBytes = sizeOf(path);
  if (sizeBytes > 0) restrict(path);
  const append = (text: string): void => {
    if (sizeBytes > sizeBytesMax) {
      renameSync(path, `${path}.old`);
      sizeBytes = 0;
    }
    appendFileSync(path, text, { mode: 0o600 });
    sizeBytes += Buffer.byteLength(text);
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        append(cut(decoder.write(chunk)));
      } catch {
        // A full disk must not end the platform: the log has a gap.
      }
      done();
    },
  });
}

/** Cuts lines, also those that come in pieces. */
function lineCutter(charsMax: number): (text: string) => string {
  let column = 0;
  return (text) => {
    const lines = text.split("\n").map((line, index) => {
      if (index > 0) column = 0;
      const room = Math.max(0, charsMax - column);
      const wasWhole = column <= charsMax;
      column += line.length;
      return line.length > room && wasWhole ? `${line.slice(0, room)}…` : line.slice(0, room);
    });
    return lines.join("\n");
  };
}

/** The file may be from a time before its mode was set. */
function restrict(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch {
    // Somebody else's file, or one on a disk without modes; neither is a reason not to start.
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
