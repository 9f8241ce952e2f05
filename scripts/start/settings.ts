import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { EngineConfig } from "../../shared/contracts/engine-config.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { ROOT } from "../platform/bundle.ts";

/** What the user may set for `npm start`. */
export type StartSettings = {
  readonly port: number;
  /** These engines and no others; undefined: look for some. */
  readonly engines: readonly EngineConfig[] | undefined;
  /** A GGUF of the user's own for the embedded engine. */
  readonly modelPath: string | undefined;
  readonly stateDir: string;
  readonly quiet: boolean;
  /** Who may sign up. */
  readonly signupPolicy: SignupPolicy;
};

const SignupPolicy = z.enum(["open", "invite", "closed"]);
type SignupPolicy = z.infer<typeof SignupPolicy>;

const expand = (path: string): string =>
  resolve(path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/**
 * Ports at which no browser and no `fetch`, the OpenAI SDK's included, will call:
 * https://fetch.spec.whatwg.org/#port-blocking
 */
const BLOCKED_PORTS: ReadonlySet<number> = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
  109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
  526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
  3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Reads the environment; the error is one line that says which variable is wrong and how. */
export function readSettings(env: NodeJS.ProcessEnv): Result<StartSettings, string> {
  const port = readPort(env.ECO_PORT?.trim() || "8787");
  if (!port.ok) return port;
  let engines: readonly EngineConfig[] | undefined;
  if (env.ECO_ENGINES !== undefined && env.ECO_ENGINES.trim() !== "") {
    const read = readEngines(env.ECO_ENGINES);
    if (!read.ok) return read;
    engines = read.value;
  }
  const signupPolicy = SignupPolicy.safeParse(env.ECO_SIGNUP?.trim() || "closed");
  if (!signupPolicy.success)
    return err(`ECO_SIGNUP must be open, invite or closed, not \`${env.ECO_SIGNUP}\`.`);
  return ok({
    port: port.value,
    engines,
    modelPath: env.ECO_MODEL ? expand(env.ECO_MODEL) : undefined,
    stateDir: env.ECO_STATE ? expand(env.ECO_STATE) : join(ROOT, ".eco"),
    quiet: env.ECO_QUIET === "1" || env.ECO_QUIET === "true",
    signupPolicy: signupPolicy.data,
  });
}

function readPort(text: string): Result<number, string> {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    return err(`ECO_PORT must be a port from 0 to 65535, not \`${text}\`.`);
  if (BLOCKED_PORTS.has(port))
    return err(`ECO_PORT: browsers and fetch refuse to call port ${port}. Choose another, such as 8787.`);
  return ok(port);
}

function readEngines(text: string): Result<EngineConfig[], string> {
  const example = '[{"id":"gpu-1","kind":"vllm","baseUrl":"http://127.0.0.1:8000"}]';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err(`ECO_ENGINES is not JSON. It looks like ${example}`);
  }
  const parsed = z.array(EngineConfig).min(1).safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return err(
      `ECO_ENGINES: ${issue?.path.join(".") || "the list"}: ${issue?.message}. It looks like ${example}`,
    );
  }
  const ids = parsed.data.map((engine) => engine.id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  return twice === undefined ? ok(parsed.data) : err(`ECO_ENGINES: two engines have the id \`${twice}\`.`);
}
