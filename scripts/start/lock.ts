import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Result, err, ok } from "../../shared/kernel/result.ts";

/** A state folder that is ours until released. */
export type Lock = { release(): void };

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** Takes the state folder, or says in one line who has it. A lock whose process is gone is taken over. */
export function takeLock(stateDir: string): Result<Lock, string> {
  const file = join(stateDir, "lock");
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return err(
      `The state folder ${stateDir} cannot be made (${(error as NodeJS.ErrnoException).code}). Set ECO_STATE to a folder that can be written.`,
    );
  }
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      // "wx" fails where the file exists: of two starts at once, one gets it.
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return ok({ release: () => rmSync(file, { force: true }) });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST")
        return err(
          `The state folder ${stateDir} cannot be written (${code}). Set ECO_STATE to a folder that can be.`,
        );
      const pid = readPid(file);
      if (pid !== undefined && pid !== process.pid && isAlive(pid)) {
        return err(
          `eco-base is running already with the state in ${stateDir} (process ${pid}). Stop it, or set ECO_STATE to another folder and ECO_PORT to another port.`,
        );
      }
      rmSync(file, { force: true });
    }
  }
  return err(`Another start is taking the state folder ${stateDir} right now. Try again.`);
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
