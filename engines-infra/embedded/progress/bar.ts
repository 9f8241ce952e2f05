/** Progress on a terminal: one line that redraws itself. In a log: a plain line every tenth. */
import type { Progress } from "./progress.ts";

export type BarOutput = {
  write: (text: string) => void;
  /** Whether the line can be redrawn. */
  isTerminal: boolean;
  columns: () => number;
};

export type BarOptions = { output: BarOutput; nowMs: () => number; quiet?: boolean };

const REDRAW_MS = 100;
const LOG_EVERY_MS = 2000;
const CLEAR_LINE = "\r\x1b[2K";

export function createProgressBar({ output, nowMs, quiet = false }: BarOptions): Progress {
  let state: BarState | undefined;
  let drawnMs = -Infinity;
  let loggedTenths = 0;

  const draw = (): void => {
    if (!state || quiet) return;
    if (output.isTerminal) {
      if (nowMs() - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs();
      output.write(`${CLEAR_LINE}${barLine(state, nowMs(), output.columns())}`);
    } else {
      const tenths = Math.floor((shareOf(state) ?? 0) * 10);
      if (tenths <= loggedTenths || nowMs() - drawnMs < LOG_EVERY_MS) return;
      drawnMs = nowMs();
      loggedTenths = tenths;
      output.write(`${plainLine(state, nowMs())}\n`);
    }
  };

  return {
    start(label, totalBytes) {
      state = { label, totalBytes, doneBytes: 0, startedMs: nowMs() };
      drawnMs = output.isTerminal ? -Infinity : nowMs();
      loggedTenths = 0;
      if (!quiet && !output.isTerminal)
        output.write(`${label}${totalBytes ? ` (${sizeText(totalBytes)})` : ""}\n`);
      draw();
    },
    advance(bytes) {
      if (!state) return;
      state.doneBytes = Math.max(0, state.doneBytes + bytes);
      draw();
    },
    done() {
      if (state && !quiet && output.isTerminal) output.write(CLEAR_LINE);
      state = undefined;
    },
  };
}

export type BarState = { label: string; totalBytes?: number; doneBytes: number; startedMs: number };

/** The line for a terminal of so many columns; never longer than that. */
export function barLine(state: BarState, nowMs: number, columns: number): string {
  const share = shareOf(state);
  const facts = factsOf(state, nowMs);
  const width = Math.min(24, columns - state.label.length - facts.length - 6);
  const bar =
    share === undefined || width < 4 ? "" : `[${"=".repeat(Math.round(share * width)).padEnd(width, " ")}] `;
  return `${state.label}  ${bar}${facts}`.slice(0, Math.max(0, columns - 1));
}

const plainLine = (state: BarState, nowMs: number): string => `${state.label}  ${factsOf(state, nowMs)}`;

function factsOf(state: BarState, nowMs: number): string {
  const share = shareOf(state);
  const seconds = (nowMs - state.startedMs) / 1000;
  const bytesPerSecond = seconds > 0.5 ? state.doneBytes / seconds : 0;
  const facts = [];
  if (share !== undefined) facts.push(`${String(Math.floor(share * 100)).padStart(3)} %`);
  facts.push(
    state.totalBytes
      ? `${sizeText(state.doneBytes)} of ${sizeText(state.totalBytes)}`
      : sizeText(state.doneBytes),
  );
  if (bytesPerSecond > 0) facts.push(`${sizeText(bytesPerSecond)}/s`);
  if (bytesPerSecond > 0 && state.totalBytes && state.doneBytes < state.totalBytes) {
    facts.push(`${timeText((state.totalBytes - state.doneBytes) / bytesPerSecond)} left`);
  }
  return facts.join("  ");
}

const shareOf = (state: BarState): number | undefined =>
  state.totalBytes ? Math.min(1, state.doneBytes / state.totalBytes) : undefined;

/** Bytes as people read them: decimal megabytes, as in the sizes of downloads. */
export function sizeText(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
