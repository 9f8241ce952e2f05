import { readPrompt } from "../model/conversation.ts";
import { listOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import type { Context } from "./kind.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { usageOf } from "./tgi-chat.ts";
import { misfit, mistyped, outOfRange } from "./tgi-fields.ts";
import { FINGERPRINT, computed, fail, failed, json, tgiStream, tooLong } from "./tgi-http.ts";
import { tgiTurn, tokenSteps } from "./tgi-turn.ts";
import type { TgiTurn } from "./tgi-turn.ts";
import { baseAsk, firstLimit, readStop } from "./turn.ts";

const PROMPTS_MAX = 4;
const FIELDS = [
  "max_tokens",
  "temperature",
  "top_p",
  "stream",
  "seed",
  "repetition_penalty",
  "frequency_penalty",
  "stop",
];

/** POST /v1/completions: one text or several; no token ids, and none of the parameters that choose among answers. */
export function tgiCompletions(context: Context): Reply {
  const body = objectOf(context.call.body);
  const { prompt } = body;
  if (prompt === undefined) return misfit(body, "missing field `prompt`");
  const prompts = (typeof prompt === "string" ? [prompt] : listOf(prompt)).filter(
    (each) => typeof each === "string",
  );
  if (prompts.length === 0 || prompts.length !== (typeof prompt === "string" ? 1 : listOf(prompt).length))
    return misfit(body, "prompt: data did not match any variant of untagged enum PromptDeserializer");
  const wrong = mistyped(body, FIELDS);
  if (wrong) return wrong;
  if (body["suffix"] !== undefined && body["suffix"] !== null)
    return fail({
      status: 422,
      error: "Suffix is not supported and can be achieved by preprocessing the prompt.",
      type: "suffix not supported",
    });
  if (prompts.length > PROMPTS_MAX)
    return fail({
      status: 422,
      error: `Number of prompts exceeds the maximum allowed batch size of ${PROMPTS_MAX}`,
      type: "batch size exceeded",
    });
  const streamed = body["stream"] === true;
  const tokensMax = firstLimit(body, "max_tokens");
  const asks = prompts.map((each) => ({ ...baseAsk(context, readPrompt(each)), stop: [], tokensMax }));
  const longest = Math.max(...asks.map(({ conversation }) => conversation.promptTokens));
  const { temperature, ...rest } = body;
  const parameters = {
    ...rest,
    ...(temperature ? { temperature } : {}),
    max_new_tokens: body["max_tokens"] ?? null,
  };
  const invalid = outOfRange(parameters) ?? tooLong(context, longest, tokensMax);
  if (invalid) return failed(invalid, "openai", streamed);
  const turn = tgiTurn(context, asks, readStop(body["stop"]));
  const chars = prompts.join("").length;
  return streamed ? stream(context, turn, chars) : whole(context, turn, chars, body);
}

/** The choices come in the order in which they ended. */
function whole({ settings }: Context, turn: TgiTurn, chars: number, body: JsonObject): Reply {
  const choices = turn.answers
    .map(({ content }, index) => ({
      length: content.length,
      choice: {
        index,
        text: content.join(""),
        logprobs: null,
        finish_reason: turn.endings[index] === "eos_token" ? "stop" : turn.endings[index],
      },
    }))
    .toSorted((one, other) => one.length - other.length || other.choice.index - one.choice.index)
    .map(({ choice }) => choice);
  const { prompt = 0, completion = 0 } = turn.usage ?? {};
  const reply = {
    object: "text_completion",
    id: "",
    created: turn.createdS,
    model: settings.models[0] ?? String(body["model"] ?? ""),
    system_fingerprint: FINGERPRINT,
    choices,
    ...(turn.usage ? { usage: usageOf(turn.usage) } : {}),
  };
  return { ...json(200, reply, computed(chars, prompt, completion)), tokens: turn.tokens };
}

/** The end-of-sequence token is written out there, and the end is told in the native words, with the usage of its prompt. */
function stream({ settings }: Context, turn: TgiTurn, chars: number): Reply {
  const model = settings.models[0] ?? "";
  const head = { object: "text_completion", id: "", created: turn.createdS };
  function* events(): Generator<WireEvent> {
    for (const step of tokenSteps(turn)) {
      if (step.type !== "token") continue;
      const { choice: index, text, tokens, ending } = step;
      const choices = [{ index, text, logprobs: null, finish_reason: ending ?? "" }];
      const share = turn.shares[index];
      const wire = ending
        ? sse({
            ...head,
            model,
            system_fingerprint: FINGERPRINT,
            choices,
            ...(share && { usage: usageOf(share) }),
          })
        : sse({ ...head, choices, model, system_fingerprint: FINGERPRINT });
      yield { part: ending ? "finish" : "text", wire, tokens };
    }
  }
  return tgiStream(events(), "openai", chars);
}
