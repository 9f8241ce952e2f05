import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import type { Result } from "../../shared/kernel/result.ts";
import { endWorkerdWithUs } from "../platform/guard.ts";
import { takeLock } from "./lock.ts";
import { freePort } from "./port.ts";
import { type Secrets, loadSecrets } from "./secrets.ts";
import { type StartSettings, readSettings } from "./settings.ts";
import { stopSignal } from "./stop-signal.ts";

/** Time that a bring-up has to come back after the user has stopped it, in milliseconds. */
const GRACE_MS = 2_000;

/** Ends a launch with one line: what is wrong, and what to do about it. */
export class StartError extends Error {}

/** What `npm start` and `npm run dev` are given to bring a platform up. */
export type Launch = {
  /** With a port that is free. */
  readonly settings: StartSettings;
  readonly secrets: Secrets;
  /** Aborts when the user wants an end. */
  readonly signal: AbortSignal;
  /** Names something to be stopped in the end, however that comes. */
  onStop(stop: () => Promise<void>): void;
};

/** What a bring-up comes back with: a promise of its end, with an exit code. */
export type Launched = { readonly ended: Promise<number> };

/**
 * Brings a platform up in a state folder that is ours alone, waits for its end or the user's, stops what was started and
 * exits: 0 after a stop by the user, or 128 and the signal's number where Miniflare, which listens too, is faster; 130
 * where the stop came before it was up; 1 after one line that says what is wrong, 2 for a setting.
 */
export async function launch(bringUp: (launch: Launch) => Promise<Launched>): Promise<never> {
  const settings = readSettings(process.env);
  if (!settings.ok) return exit(2, settings.error);
  const lock = takeLock(settings.value.stateDir);
  if (!lock.ok) return exit(1, lock.error);
  process.on("exit", () => lock.value.release());
  const signal = stopSignal();
  endWorkerdWithUs();

  const stops: (() => Promise<void>)[] = [];
  const code = await runToEnd(async () => {
    const port = await mustBeFree(settings.value.port);
    const secrets = mustBeOk(loadSecrets(settings.value.stateDir));
    const onStop = (stop: () => Promise<void>): void => void stops.push(stop);
    return bringUp({ settings: { ...settings.value, port }, secrets, signal, onStop });
  }, signal);
  await Promise.allSettled(stops.map((stop) => stop()));
  return process.exit(code);
}

/** The exit code that a launch comes to; what goes wrong is told by then. */
async function runToEnd(bringUp: () => Promise<Launched>, signal: AbortSignal): Promise<number> {
  const stopped = once(signal, "abort");
  const tooLate = stopped.then(async () => {
    await wait(GRACE_MS);
    throw signal.reason;
  });
  // Nobody waits for it once the platform is up.
  tooLate.catch(() => undefined);
  try {
    const { ended } = await Promise.race([bringUp(), tooLate]);
    return await Promise.race([ended, stopped.then(() => 0)]);
  } catch (error) {
    if (signal.aborted) return 130;
    console.error(lineOf(error));
    return 1;
  }
}

async function mustBeFree(wanted: number): Promise<number> {
  const port = await freePort(wanted);
  if (port !== undefined) return port;
  throw new StartError(`Port ${wanted} is in use. Stop what listens there, or set ECO_PORT to another port.`);
}

function mustBeOk<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new StartError(result.error);
}

function lineOf(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return `eco-base could not start: ${error instanceof Error ? error.message : String(error)}`;
}

function exit(code: number, line: string): never {
  console.error(line);
  return process.exit(code);
}
