import type { ModelEntry, ModelState } from "../contracts/admin-models.ts";
import type { EngineConfig } from "../contracts/engine-config.ts";
import type { EngineRequest, ModelAction } from "../engines/engine.ts";
import { engines } from "../engines/engines.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { step } from "./lifecycle.ts";

/** What an operator wants an engine to do with a model, and what is known of both. */
export type ActionAsk = {
  readonly action: ModelAction;
  readonly entry: ModelEntry;
  readonly state: ModelState;
  readonly config: EngineConfig;
  /** What the engine calls the model where it lists it already. */
  readonly listedAs: string | undefined;
};

/** What to send to the engine, and what the model is called there. */
export type PlannedAction = { readonly name: string; readonly request: EngineRequest };

/** Whether an engine can be told to, and how. */
export function planAction(ask: ActionAsk): Result<PlannedAction, Failure> {
  const { action, entry, config, listedAs } = ask;
  const { label, control } = engines[config.kind];
  const make = control?.[action];
  if (!make) return unsupported(config, `${label} cannot be told to ${action} a model while it runs`);
  const refused = refuseKind(ask) ?? refuseAdapter(ask) ?? refuseStep(ask);
  if (refused) return refused;
  const name = listedAs ?? entry.names?.[config.kind]?.[0] ?? entry.id;
  const options = entry.source === undefined ? {} : { source: entry.source };
  return ok({ name, request: make(name, options) });
}

const comes = (action: ModelAction): boolean => action === "load" || action === "pull";

function refuseKind({ action, entry, config }: ActionAsk) {
  if (!comes(action) || !entry.engineKinds || entry.engineKinds.includes(config.kind)) return undefined;
  return err({
    kind: "invalid_request",
    param: "engine",
    message: `\`engine\`: \`${entry.id}\` is registered for ${entry.engineKinds.join(", ")}, and \`${config.id}\` is ${config.kind}. Change its \`engineKinds\` if it runs there too.`,
  } as const);
}

/** An engine whose model is loaded when it starts can only take adapters while it runs. */
function refuseAdapter({ action, entry, config }: ActionAsk) {
  const { label, control } = engines[config.kind];
  if (control?.loads !== "adapters" || (action !== "load" && action !== "unload")) return undefined;
  if (entry.format !== "lora")
    return unsupported(
      config,
      `${label} loads its model when it starts; while it runs only LoRA adapters (\`format\`: \`lora\`) come and go`,
    );
  if (action === "load" && entry.source === undefined)
    return err({
      kind: "invalid_request",
      param: "source",
      message: `\`source\`: the entry \`${entry.id}\` does not say where the adapter lies. Give it a \`source\`: a path at the engine, or a repository.`,
    } as const);
  return undefined;
}

function refuseStep({ action, entry, state }: ActionAsk) {
  const event = comes(action) ? "load" : action === "unload" ? "unload" : undefined;
  if (event === undefined) return undefined;
  const stepped = step({ state, wish: entry.wish ?? "serve" }, event);
  return stepped.ok ? undefined : err({ kind: "conflict", message: stepped.error } as const);
}

const unsupported = ({ id }: EngineConfig, what: string) =>
  err({
    kind: "unsupported",
    param: "engine",
    engine: id,
    message: `\`engine\`: ${what} (\`${id}\`).`,
  } as const);
