/** Stand-ins for pip and npm: Node scripts that do what a test wants of them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

let count = 0;

/** The command that runs `body`, a script in which `args` are the arguments and `fs` and `path` are at hand. */
export function program(folder: string, body: string): string[] {
  count += 1;
  const path = join(folder, `program-${count}.mjs`);
  writeFileSync(
    path,
    `import fs from "node:fs"; import path from "node:path"; const args = process.argv.slice(2);\n${body}\n`,
  );
  return [process.execPath, path];
}

/** A pip that puts `wheel` where it is told to. */
export const pipWith = (folder: string, wheel: string): string[] =>
  program(
    folder,
    `fs.copyFileSync(${JSON.stringify(wheel)}, path.join(args[args.indexOf("--dest") + 1], "some-1.0-py3-none-any.whl"));`,
  );

/** A program that complains and fails. */
export const failing = (folder: string, output: string): string[] =>
  program(folder, `process.stderr.write(${JSON.stringify(output)}); process.exit(1);`);

/** An npm that makes an empty package of each dependency in package.json. */
export const npmThatWorks = (folder: string): string[] =>
  program(
    folder,
    `const directory = args[args.indexOf("--prefix") + 1];
     const { dependencies } = JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8"));
     fs.writeFileSync(path.join(directory, "args.json"), JSON.stringify(args));
     for (const name of Object.keys(dependencies)) {
       fs.mkdirSync(path.join(directory, "node_modules", name), { recursive: true });
       fs.writeFileSync(path.join(directory, "node_modules", name, "package.json"), JSON.stringify({ name }));
     }`,
  );

/** A program that starts a child, says both process ids in a file, and never ends by itself. */
export const endless = (folder: string, pidFile: string): string[] =>
  program(
    folder,
    `const { spawn } = await import("node:child_process");
     const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
     fs.writeFileSync(${JSON.stringify(pidFile)}, JSON.stringify([process.pid, child.pid]));
     setInterval(() => {}, 1000);`,
  );

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
