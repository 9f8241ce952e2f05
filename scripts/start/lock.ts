import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { bornAt, isAlive } from "./process.ts";

/** A state folder that is ours until released. */
export type Lock = { release(): void };

const ATTEMPTS_MAX = 5;

/** Takes the state folder, or says in one line who has it. A lock whose process is gone is taken over. */
export function takeLock(stateDir: string): Result<Lock, string> {
  const file = join(stateDir, "lock");
  const draft = `${file}.${process.pid}`;
  const own = `${process.pid} ${bornAt(process.pid) ?? ""}`;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    writeFileSync(draft, own);
    const taken = takeFile(stateDir, file, draft, own);
    rmSync(draft);
    return taken;
  } catch (error) {
    return err(
      `The state folder ${stateDir} cannot be written (${(error as NodeJS.ErrnoException).code}). Set ECO_STATE to a folder that can be.`,
    );
  }
}

function takeFile(stateDir: string, file: string, draft: string, own: string): Result<Lock, string> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (link(draft, file)) return ok({ release: () => release(file, own) });
    const held = read(file);
    if (held === undefined) continue;
    const pid = holderOf(held);
    if (pid !== undefined)
      return err(
        `eco-base is running already with the state in ${stateDir} (process ${pid}). Stop it, or set ECO_STATE to another folder and ECO_PORT to another port.`,
      );
    clear(file, held);
  }
  return err(`Another start is taking the state folder ${stateDir} right now. Try again.`);
}

/** Makes the lock whole in one step, its content included; false where there is one. */
function link(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Takes a stale lock away, unless another start was faster: its lock, which we then hold in our hands, is put back. */
function clear(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    // Another start has cleared it.
    return;
  }
  if (read(aside) !== stale) link(aside, file);
  rmSync(aside, { force: true });
}

/** The process that holds a lock; undefined for one that is gone, and for another that was given its number. */
function holderOf(held: string): number | undefined {
  const [, digits = "", born = ""] = /^(\d+) ?(.*)$/.exec(held) ?? [];
  const pid = Number(digits);
  if (pid === 0 || pid === process.pid || !isAlive(pid)) return undefined;
  const now = bornAt(pid);
  return born === "" || now === undefined || now === born ? pid : undefined;
}

function release(file: string, own: string): void {
  if (read(file) === own) rmSync(file, { force: true });
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
