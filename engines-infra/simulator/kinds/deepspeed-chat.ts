import { messageText, readConversation } from "../model/conversation.ts";
import { countTokens } from "../model/generate.ts";
import { alphanumeric } from "../model/hash.ts";
import { isObject, listOf, numberOf, objectOf } from "../model/json.ts";
import { askOf, isRefused, miiStream, readGeneration } from "./deepspeed-engine.ts";
import { broken, flawsOf, json, messageFlaws, missing } from "./deepspeed-http.ts";
import { TOKENS_MAX_DEFAULT, pieces, refusal, usageOf } from "./deepspeed-openai.ts";
import type { Context } from "./kind.ts";
import { sse } from "./reply.ts";
import type { Reply, WireEvent } from "./reply.ts";
import { turnOf } from "./turn.ts";
import type { Turn } from "./turn.ts";

/** POST /v1/chat/completions: whatever the server does not know is ignored without a word. */
export function deepspeedChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const flaws = [...(body["model"] === undefined ? [missing("model", body)] : []), ...messageFlaws(body)];
  const refused = refusal(context, body, [...flaws, ...flawsOf(body)], true);
  if (refused) return refused;
  const conversation = readConversation(body["messages"], context.settings.continuesPrefill);
  // The field of completions is unknown here: the deployment's own length holds.
  const { max_length: _, ...known } = body;
  const generation = readGeneration(context, known, numberOf(body["max_tokens"]) ?? TOKENS_MAX_DEFAULT);
  const n = numberOf(body["n"]) ?? 1;
  const head = {
    id: `chatcmpl-${alphanumeric(context.serial, 22)}`,
    model: context.settings.models[0] ?? "",
  };
  const isStream = body["stream"] === true;
  if (isRefused(generation, conversation.promptTokens))
    return isStream ? miiStream([opening(head, n)]) : broken();
  // A stream generates the first prompt alone, and what it says of the others is nothing.
  const turn = turnOf(context, [askOf(context, conversation, generation)], isStream ? 1 : n);
  if (isStream) return miiStream(chunks(head, n, turn));
  const contents = listOf(body["messages"]).filter(isObject).map(messageText);
  const promptTokens = contents.reduce((sum, each) => sum + countTokens(each), 0) * n;
  const choices = turn.answers.map(({ content, finish }, index) => ({
    index,
    message: { role: "assistant", content: content.join("") },
    finish_reason: finish,
  }));
  const whole = {
    id: head.id,
    object: "chat.completion",
    created: turn.createdS,
    model: head.model,
    choices,
  };
  return { ...json(200, { ...whole, usage: usageOf(promptTokens, turn) }), tokens: turn.tokens };
}

type Head = { id: string; model: string };

/** The first chunk: a role for each choice, without the members that have defaults. */
function opening(head: Head, n: number): WireEvent {
  const choices = Array.from({ length: n }, (_, index) => ({
    index,
    delta: { role: "assistant" },
    finish_reason: null,
  }));
  return { part: "role", wire: sse({ ...head, choices }), tokens: 0 };
}

function* chunks(head: Head, n: number, turn: Turn): Generator<WireEvent> {
  const chunk = (content: string, finish: string | null) =>
    sse({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
  yield opening(head, n);
  yield* pieces(turn, chunk);
}
