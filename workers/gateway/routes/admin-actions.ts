import type { Context } from "hono";
import {
  type ModelActionResult,
  type PullProgress,
  ModelActionRequest,
} from "../../../shared/contracts/admin-models.ts";
import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { ModelAction } from "../../../shared/engines/engine.ts";
import { engines as adapters } from "../../../shared/engines/engines.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../../shared/kernel/result.ts";
import { ACTION_MS_MAX, type RunningAction } from "../../../shared/models/lifecycle.ts";
import { type PlannedAction, planAction } from "../../../shared/models/model-action.ts";
import { modelOf } from "../../../shared/models/model-changes.ts";
import { noteDeed } from "../admin/audit-entry.ts";
import { askEngine } from "../admin/ask-engine.ts";
import { pullProgress } from "../admin/pull-progress.ts";
import { answer, fromStore, readChecked } from "../admin/request.ts";
import { allEngines, readView, stateOfModel } from "../admin/view.ts";
import type { AppEnv } from "../app-env.ts";
import { ndjsonResponse } from "../http/ndjson.ts";
import type { Run } from "../run.ts";

type C = Context<AppEnv>;

/** Something that an engine is told to do with a model, from here until it has ended. */
type Task = {
  readonly run: Run;
  readonly model: string;
  readonly config: EngineConfig;
  readonly planned: PlannedAction;
  readonly action: RunningAction;
  readonly streamed: boolean;
};

/** `POST /admin/models/{id}/{pull|load|unload|sleep|wake}` */
export const modelAction =
  (action: ModelAction) =>
  async (c: C): Promise<Response> => {
    const { run } = c.env;
    const begun = await begin(c, action);
    if (!begun.ok) return answer(run, begun);
    const task = begun.value;
    // Whatever becomes of the rest, the mark that it runs must go.
    try {
      // A large model takes longer to come than any answer may.
      const timeoutMs = action === "pull" ? ACTION_MS_MAX : undefined;
      const said = await askEngine(run, task.config, task.planned.request, timeoutMs);
      if (!said.ok) return await ended(task, said);
      if (action !== "pull") return await ended(task, ok(await said.value.text()));
      const { readProgress } = adapters[task.config.kind].control ?? {};
      const lines = pullProgress(said.value.body, readProgress ?? (() => undefined));
      if (task.streamed) return stream(task, lines);
      return await ended(task, await lastOf(task, lines));
    } catch (error) {
      run.fail(error);
      return await ended(
        task,
        err({ kind: "engine_failed", engine: task.config.id, message: "the connection to it was lost" }),
      );
    }
  };

async function begin(c: C, what: ModelAction): Promise<Result<Task, Failure>> {
  const { run } = c.env;
  const { ports } = run;
  const model = c.req.param("id") ?? "";
  const body = await readChecked(c, ModelActionRequest);
  if (!body.ok) return body;
  if (body.value.stream !== undefined && what !== "pull")
    return err({ kind: "invalid_request", param: "stream", message: "`stream`: is for `pull` only." });
  const view = await readView(run);
  if (!view.ok) return view;
  const entry = modelOf(view.value.snapshot, model);
  if (!entry.ok) return entry;
  const config = allEngines(view.value).find(({ id }) => id === body.value.engine);
  if (!config) return err({ kind: "not_found", resource: "engine", id: body.value.engine });
  const place = view.value.index.listing(model).find(({ engine }) => engine.id === config.id);
  const planned = planAction({
    action: what,
    entry: entry.value,
    state: stateOfModel(view.value, entry.value),
    config,
    listedAs: place?.model.names[0],
  });
  if (!planned.ok) return planned;
  const action = { engine: config.id, action: what, startedAtMs: ports.now() };
  const free = await fromStore(run, () => ports.modelActions.begin(model, action));
  if (!free.ok) return free;
  if (!free.value)
    return err({
      kind: "conflict",
      message: `The engine \`${config.id}\` is at something with \`${model}\` already: wait until that has ended.`,
    });
  return ok({ run, model, config, planned: planned.value, action, streamed: body.value.stream === true });
}

/** How it went: what is written down of it. */
type Ending = { readonly outcome: "pass" | "fail"; readonly reason?: string };

/** Has the engine's models read anew, takes the mark away, and writes down how it went. */
async function end({ run, model, action }: Task, { outcome, reason }: Ending): Promise<void> {
  await run.ports.engines.ask(action.engine).catch((error: unknown) => run.fail(error));
  await run.ports.modelActions.end(model, action).catch((error: unknown) => run.fail(error));
  await noteDeed(run, {
    action: `model.${action.action}`,
    resource: { type: "model", id: model },
    outcome,
    details: { engine: action.engine, reason },
  });
}

async function ended(task: Task, outcome: Result<string, Failure>): Promise<Response> {
  await end(task, outcome.ok ? { outcome: "pass" } : { outcome: "fail", reason: outcome.error.kind });
  if (!outcome.ok) return answer(task.run, outcome);
  return answer(
    task.run,
    ok({
      object: "model.action",
      action: task.action.action,
      model: task.model,
      engine: task.config.id,
      name: task.planned.name,
      message: outcome.value.slice(0, 2_000),
    } satisfies ModelActionResult),
  );
}

async function lastOf(task: Task, lines: AsyncIterable<PullProgress>): Promise<Result<string, Failure>> {
  let last: PullProgress | undefined;
  for await (const line of lines) last = line;
  return last?.finished
    ? ok(last.status)
    : err({ kind: "engine_failed", engine: task.config.id, message: last?.error ?? "it said nothing" });
}

/** The progress as it comes. An operator who leaves ends the pull; begun again, Ollama goes on where it was. */
function stream(task: Task, lines: AsyncIterable<PullProgress>): Response {
  const { run } = task;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const send = async () => {
    let ended = false;
    try {
      for await (const line of lines) {
        // Whoever hears of the end may ask at once what came of it.
        if (line.finished || line.error !== undefined) {
          ended = true;
          await end(task, line.finished ? { outcome: "pass" } : { outcome: "fail", reason: "engine_failed" });
        }
        await writer.write(encoder.encode(`${JSON.stringify(line)}\n`));
      }
      await writer.close();
    } catch {
      run.outcome = "client_gone";
      if (!ended) await end(task, { outcome: "fail", reason: "client_gone" });
    }
    run.finish(200);
  };
  run.streams();
  run.defer(send());
  return ndjsonResponse(run, readable);
}
