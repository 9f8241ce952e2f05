/** POST /v1/completions */
import type { Token } from "../model/port.ts";
import type { AnswerHead, FinishReason, TextChoice } from "../protocol/bodies.ts";
import { textBody } from "../protocol/bodies.ts";
import { readConstraint } from "../protocol/constraint.ts";
import type { Result } from "../protocol/failure.ts";
import { ok } from "../protocol/failure.ts";
import type { Fields } from "../protocol/fields.ts";
import { reading, refuse } from "../protocol/fields.ts";
import { promptTokens } from "../protocol/prompt.ts";
import type { GenerationOptions } from "../protocol/sampling.ts";
import { readGenerationOptions } from "../protocol/sampling.ts";
import type { Cost } from "../protocol/usage.ts";
import { NO_COST, addChoice } from "../protocol/usage.ts";
import type { Answer, Engine, Events } from "./context.ts";
import { answerHead, checkContext, checkLanguageModel, failure, json, vocabularyOf } from "./context.ts";
import type { Ending } from "./generate.ts";
import { generate } from "./generate.ts";
import type { Lease } from "./slots.ts";
import { through } from "./through.ts";

const PROMPTS_MAX = 16;

type TextPlan = { prompts: ReadonlyArray<readonly Token[]>; options: GenerationOptions; grammar?: string };

export async function handleCompletions(
  engine: Engine,
  fields: Fields,
  signal: AbortSignal,
): Promise<Answer> {
  const model = checkLanguageModel(engine, fields);
  if (!model.ok) return failure(model.failure);
  const plan = planText(engine, fields);
  if (!plan.ok) return failure(plan.failure);
  const admitted = engine.pool.take(plan.value.prompts[0] ?? [], signal);
  if (!admitted.ok) return failure(admitted.failure);
  const head = answerHead(engine, model.value);
  return plan.value.options.stream
    ? { kind: "events", events: streamed(engine, plan.value, admitted.value, head, signal) }
    : whole(engine, plan.value, admitted.value, head, signal);
}

function planText(engine: Engine, fields: Fields): Result<TextPlan> {
  const read = reading(() => ({
    entries: readPrompts(engine, fields),
    options: readGenerationOptions(fields, vocabularyOf(engine.model), engine.random),
  }));
  if (!read.ok) return read;
  const { entries, options } = read.value;
  const prompts: Array<readonly Token[]> = [];
  for (const entry of entries) {
    const tokens = typeof entry === "string" ? promptTokens(engine.model, entry) : ok(entry);
    const prompt = tokens.ok ? checkContext(engine, tokens.value) : tokens;
    if (!prompt.ok) return prompt;
    prompts.push(prompt.value);
  }
  const grammar = readConstraint(fields, (gbnf) => engine.model.acceptsGrammar(gbnf));
  return grammar.ok ? ok({ prompts, options, grammar: grammar.value }) : grammar;
}

/** One prompt or several, each a text or a list of tokens. */
function readPrompts(engine: Engine, fields: Fields): Array<string | Token[]> {
  const prompt = fields.raw("prompt") ?? refuse("'prompt' is required");
  const isTokens = Array.isArray(prompt) && prompt.every((each) => typeof each === "number");
  const list: unknown[] = Array.isArray(prompt) && !isTokens ? prompt : [prompt];
  if (list.length > PROMPTS_MAX) refuse(`'prompt' may have at most ${PROMPTS_MAX} entries`);
  return list.map((each) => {
    if (typeof each === "string") return each;
    const last = engine.model.card.vocabularyTokens - 1;
    const valid =
      Array.isArray(each) && each.every((token) => Number.isInteger(token) && token >= 0 && token <= last);
    return valid
      ? (each as Token[])
      : refuse("'prompt' must be a string, an array of strings or tokens of the vocabulary");
  });
}

/** Every choice of every prompt, in the order of their indexes. */
function runs({ prompts, options }: TextPlan) {
  return prompts.flatMap((prompt, which) =>
    Array.from({ length: options.choices }, (_, choice) => ({
      prompt,
      choice,
      index: which * options.choices + choice,
      seed: (options.sampling.seed + choice) >>> 0,
    })),
  );
}

async function* streamed(
  engine: Engine,
  plan: TextPlan,
  admission: Promise<Lease | undefined>,
  head: AnswerHead,
  signal: AbortSignal,
): Events {
  const lease = await admission;
  if (!lease) return;
  try {
    let cost = NO_COST;
    const all = runs(plan);
    for (const run of all) {
      const pieces = generate(engine, lease, jobOf(plan, run), signal);
      const ended: Ending = yield* through(pieces, ({ text, logprobs }) =>
        textBody(head, [{ index: run.index, text, finishReason: null, logprobs }]),
      );
      if (ended.reason === "aborted") return;
      cost = addRun(cost, ended.cost, run.choice);
      const isLast = run === all.at(-1);
      yield textBody(
        head,
        [{ index: run.index, text: "", finishReason: finishOf(ended) }],
        isLast ? cost : undefined,
      );
    }
  } finally {
    lease.release();
  }
}

async function whole(
  engine: Engine,
  plan: TextPlan,
  admission: Promise<Lease | undefined>,
  head: AnswerHead,
  signal: AbortSignal,
): Promise<Answer> {
  const lease = await admission;
  if (!lease) return { kind: "nobody" };
  try {
    let cost = NO_COST;
    const choices: TextChoice[] = [];
    for (const run of runs(plan)) {
      const choice: TextChoice = { index: run.index, text: "", finishReason: null, logprobs: [] };
      const pieces = generate(engine, lease, jobOf(plan, run), signal);
      let next = await pieces.next();
      for (; !next.done; next = await pieces.next()) {
        choice.text += next.value.text;
        choice.logprobs = [...(choice.logprobs ?? []), ...next.value.logprobs];
      }
      if (next.value.reason === "aborted") return { kind: "nobody" };
      choices.push({ ...choice, finishReason: finishOf(next.value) });
      cost = addRun(cost, next.value.cost, run.choice);
    }
    return json(textBody(head, choices, cost));
  } finally {
    lease.release();
  }
}

function jobOf({ options, grammar }: TextPlan, run: { prompt: readonly Token[]; seed: number }) {
  return {
    prompt: run.prompt,
    sampling: { ...options.sampling, seed: run.seed },
    reuse: options.repeatable ? ("exact" as const) : ("most" as const),
    outputTokensMax: options.outputTokensMax,
    stop: options.stop,
    grammar,
    topLogprobs: options.topLogprobs,
  };
}

const finishOf = (ended: Ending): FinishReason => (ended.reason === "length" ? "length" : "stop");

/** Choices of one prompt share its cost; another prompt has its own. */
function addRun(total: Cost, run: Cost, choice: number): Cost {
  if (choice > 0) return addChoice(total, run, choice);
  return {
    promptTokens: total.promptTokens + run.promptTokens,
    cachedTokens: total.cachedTokens + run.cachedTokens,
    outputTokens: total.outputTokens + run.outputTokens,
    promptMs: total.promptMs + run.promptMs,
    outputMs: total.outputMs + run.outputMs,
  };
}
