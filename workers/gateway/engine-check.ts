import type { EngineCheck } from "../../shared/contracts/admin-engines.ts";
import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import type { EngineHealth } from "../../shared/engines/engine.ts";
import { engines as adapters } from "../../shared/engines/engines.ts";
import type { EngineAccess } from "./engine-access.ts";
import { errorText } from "./relay/attempt.ts";

/** Time that an engine has to answer each of the two questions, unless its operator gives it another. */
const CHECK_TIMEOUT_MS = 3_000;
/** Longest list of models in a report. */
const MODELS_MAX = 200;

/** Asks an engine once how it is and what it serves. It never fails: what is wrong is what it says. */
export async function checkEngine(config: EngineConfig, access: EngineAccess): Promise<EngineCheck> {
  const adapter = adapters[config.kind];
  const timeoutMs = config.connectTimeoutMs ?? CHECK_TIMEOUT_MS;
  const ask = async (path: string) => {
    const answer = await access.send(config, { path, method: "GET" }, AbortSignal.timeout(timeoutMs));
    return { status: answer.status, text: await errorText(answer) };
  };
  try {
    const said = await ask(adapter.health.path);
    const health = adapter.health.read(said.status, said.text);
    if (health !== "ready") return report(health, [], wordsFor(said.status, health));
    if (adapter.models.listsNone)
      return report(health, config.models ?? [], serving(config, config.models ?? []));
    const list = adapter.models.path === adapter.health.path ? said : await ask(adapter.models.path);
    if (list.status !== 200) return report(health, [], wordsFor(list.status, "down", adapter.models.path));
    const models = adapter.models.read(JSON.parse(list.text)).flatMap(({ names }) => names[0] ?? []);
    return report(health, models, serving(config, models));
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError")
      return report("down", [], `It did not answer within ${timeoutMs / 1000} s.`);
    if (error instanceof SyntaxError)
      return report("ready", [], `What it answers is not the list of models of a ${adapter.label} engine.`);
    return report("down", [], "It could not be reached.");
  }
}

const report = (health: EngineHealth, models: readonly string[], message: string): EngineCheck => ({
  health,
  models: models.slice(0, MODELS_MAX),
  message,
});

function wordsFor(status: number, health: EngineHealth, path?: string): string {
  if (health === "loading") return "It is there, and is loading its model.";
  if (status === 401 || status === 403)
    return `It answers ${status}: the key that it wants is not the one that it is given.`;
  if (status >= 300 && status < 400)
    return `It answers ${status}, a redirect: perhaps Cloudflare Access wants a service token (\`access\`).`;
  return `It answers ${status}${path === undefined ? "" : ` for ${path}`}: perhaps it is an engine of another kind.`;
}

function serving({ models: wanted = [] }: EngineConfig, models: readonly string[]): string {
  const missing = wanted.filter((name) => !models.includes(name));
  if (missing.length > 0) return `It is ready, and does not list ${missing.join(", ")}.`;
  return models.length === 0
    ? "It is ready, and serves no model yet."
    : `It is ready and lists ${models.length} ${models.length === 1 ? "model" : "models"}.`;
}
