import type { Answer } from "../model/answer.ts";
import { readPrompt } from "../model/conversation.ts";
import { splitTokens } from "../model/generate.ts";
import { isObject, numberOf, objectOf, parseJson, textOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { completionLogprobs } from "./logprobs.ts";
import { readTexts } from "./prompts.ts";
import { DONE, sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import {
  json,
  modelOf,
  refusal,
  refused,
  sglangStream,
  tooLong,
  usageOf,
  validation,
} from "./sglang-http.ts";
import { idOf, matchedStop } from "./sglang-ids.ts";
import { steps } from "./steps.ts";
import { baseAsk, includesUsage, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";

const TOKENS_MAX_DEFAULT = 16;

type Batch = { turn: Turn; echoes: string[]; size: { prompts: number; n: number } };

/** POST /v1/completions: any of the four prompt forms; `best_of` and `suffix` are taken and ignored. */
export function sglangCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const wrong = refusal(context, body, "completion");
  if (wrong) return wrong;
  if (body["prompt"] === undefined || body["prompt"] === null)
    return validation("prompt", "missing", "Field required");
  const prompts = readTexts(body["prompt"]);
  if (!prompts || prompts.every((prompt) => prompt === "")) return refused("Prompt cannot be empty");
  const tokensMax = numberOf(body["max_tokens"]) ?? TOKENS_MAX_DEFAULT;
  if (tokensMax <= 0)
    return validation("max_tokens", "value_error", "Value error, max_tokens must be positive", tokensMax);
  const asks = prompts.map((prompt) => ({
    ...baseAsk(context, readPrompt(prompt)),
    tokensMax,
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["no_stop_trim"] === true,
    json: readResponseFormat(body["response_format"]) ?? ownSchema(body),
  }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  const overflow = tooLong(context, longest, tokensMax);
  if (overflow) return overflow;
  const n = numberOf(body["n"]) ?? 1;
  const turn = turnOf(context, asks, n);
  const echoes = body["echo"] === true ? turn.answers.map((_, at) => prompts[Math.floor(at / n)] ?? "") : [];
  const batch = { turn, echoes, size: { prompts: prompts.length, n } };
  return body["stream"] === true ? streamed(context, body, batch) : whole(context, body, batch);
}

/** `json_schema` as a text, which only completions have. */
function ownSchema(body: JsonObject) {
  const schema = parseJson(textOf(body["json_schema"]) ?? "");
  return isObject(schema) ? { schema } : undefined;
}

/** Where a token begins is not told: -1 throughout. */
function logprobsOf(tokens: string[], top: number | undefined) {
  if (top === undefined) return null;
  return { ...completionLogprobs(tokens, top, 0), text_offset: tokens.map(() => -1) };
}

const choiceOf = (
  index: number,
  text: string,
  logprobs: unknown,
  ended?: Pick<Answer, "finish" | "stopMatch">,
) => ({
  index,
  text,
  logprobs,
  finish_reason: ended?.finish ?? null,
  matched_stop: ended ? matchedStop(ended) : null,
});

function whole(context: Context, body: JsonObject, { turn, echoes, size }: Batch): Reply {
  const top = numberOf(body["logprobs"]);
  const choices = turn.answers.map((answer, index) => {
    const tokens = [...splitTokens(echoes[index] ?? ""), ...answer.content];
    return choiceOf(index, tokens.join(""), logprobsOf(tokens, top), answer);
  });
  const reply = (list: unknown) => ({
    id: idOf(context, body, 0, size),
    object: "text_completion",
    created: turn.createdS,
    model: modelOf(body),
    choices: list,
    ...(turn.usage ? { usage: usageOf(turn.usage) } : {}),
    metadata: { weight_version: "default" },
  });
  const given = choiceOf(0, "", null, { finish: "abort", stopMatch: null });
  return { ...json(200, reply(choices)), tokens: turn.tokens, aborted: JSON.stringify(reply([given])) };
}

/** The usage chunk leaves out what is null, unlike a chat's. */
function shortUsage(usage: Usage) {
  const { prompt_tokens_details: _, ...short } = usageOf(usage);
  return short;
}

/** There is no chunk for a finish alone: the last token's has it, or that of the token that ended the text. */
function streamed(context: Context, body: JsonObject, { turn, echoes, size }: Batch): Reply {
  const top = numberOf(body["logprobs"]);
  const told = includesUsage(body) ? turn.usage : undefined;
  const continuous = objectOf(body["stream_options"])["continuous_usage_stats"] === true;
  const lengths = turn.answers.map(({ content }) => content.join("").length);
  const headOf = (choice: number) => ({
    id: idOf(context, body, choice, size),
    object: "text_completion",
    created: turn.createdS,
    model: modelOf(body),
  });
  let produced = 0;
  const running = () =>
    continuous && turn.usage
      ? usageOf({ ...turn.usage, completion: produced, total: turn.usage.prompt + produced })
      : null;
  const chunk = (choice: ReturnType<typeof choiceOf>): string =>
    sse({ ...headOf(choice.index), choices: [choice], usage: running() });
  const usageChunk = (usage: Usage): string => sse({ ...headOf(0), choices: [], usage: shortUsage(usage) });

  function* events(): Generator<WireEvent> {
    const ended = new Set<number>();
    for (const step of steps(turn.answers)) {
      const index = step.choice;
      produced += step.tokens;
      if (step.type === "text") {
        const answer = turn.answers[index];
        const last = answer?.finish === "length" && step.at + step.text.length === lengths[index];
        if (last) ended.add(index);
        const before = step.at === 0 ? (echoes[index] ?? "") : "";
        const logprobs = logprobsOf([...splitTokens(before), step.text], top);
        const wire = chunk(choiceOf(index, before + step.text, logprobs, last ? answer : undefined));
        yield { part: last ? "finish" : "text", wire, tokens: 1 };
      } else if (step.type === "close" && !ended.has(index)) {
        const wire = chunk(choiceOf(index, "", logprobsOf([], top), step.answer));
        yield { part: "finish", wire, tokens: step.tokens };
      }
    }
    if (told) yield { part: "usage", wire: usageChunk(told), tokens: 0 };
  }

  const given = choiceOf(0, "", null, { finish: "abort", stopMatch: null });
  return sglangStream(events(), told ? [usageChunk({ ...told, completion: 0, total: told.prompt })] : [], [
    chunk(given),
    DONE,
  ]);
}
