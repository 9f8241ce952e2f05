import type { Answer, Ask } from "../model/answer.ts";
import { readConversation } from "../model/conversation.ts";
import type { Conversation } from "../model/conversation.ts";
import { hexDigits, uuid } from "../model/hash.ts";
import { listOf, numberOf, objectOf } from "../model/json.ts";
import type { JsonObject } from "../model/json.ts";
import { asksToThink, callsFor, readToolChoice, readTools } from "../model/tools.ts";
import type { Tool, ToolChoice } from "../model/tools.ts";
import type { Context } from "./kind.ts";
import { chatLogprob, wantedLogprobs } from "./logprobs.ts";
import { DONE, sse } from "./reply.ts";
import type { Reply, WireEvent, Whole } from "./reply.ts";
import { steps } from "./steps.ts";
import type { Step } from "./steps.ts";
import { baseAsk, firstLimit, includesUsage, readResponseFormat, turnOf } from "./turn.ts";
import type { Turn, Usage } from "./turn.ts";
import { fail, failure, json, refusal, tooLong, unknownModel, validation, valueError } from "./vllm-http.ts";

export const FINGERPRINT = "vllm-0.28.0-tp1-5f1d5a4f";

/** POST /v1/chat/completions */
export function vllmChat(context: Context): Reply {
  const body = objectOf(context.call.body);
  const refused = refusal(body) ?? chatRefusal(context, body) ?? unknownModel(context, body);
  if (refused) return refused;
  const choice = readToolChoice(body["tool_choice"]);
  const conversation = readConversation(body["messages"], continues(context, body));
  const ask = askOf(context, body, conversation, choice);
  const overflow = tooLong(context, conversation.promptTokens, ask.tokensMax);
  if (overflow) return overflow;
  const turn = turnOf(context, [ask], numberOf(body["n"]) ?? 1);
  const writer = writerOf(context, body, turn, choice);
  return body["stream"] === true ? writer.stream() : writer.whole();
}

function continues({ settings }: Context, body: JsonObject): boolean {
  return settings.continuesPrefill || body["continue_final_message"] === true;
}

function askOf(context: Context, body: JsonObject, conversation: Conversation, choice: ToolChoice): Ask {
  return {
    ...baseAsk(context, conversation),
    tokensMax: firstLimit(body, "max_completion_tokens", "max_tokens"),
    tokensMin: numberOf(body["min_tokens"]),
    ignoreEos: body["ignore_eos"] === true,
    stopKept: body["include_stop_str_in_output"] === true,
    calls: calls(body, choice, conversation),
    json: readResponseFormat(body["response_format"]) ?? structured(body),
    thinks: asksToThink(conversation.lastUserText) && body["reasoning_effort"] !== "none",
  };
}

function calls(body: JsonObject, choice: ToolChoice, { lastUserText }: Conversation): Tool[] {
  const all = callsFor(readTools(body["tools"]), choice, lastUserText);
  return body["parallel_tool_calls"] === false ? all.slice(0, 1) : all;
}

function structured(body: JsonObject): Ask["json"] {
  const wanted = objectOf(body["structured_outputs"]);
  if (wanted["json"] !== undefined) return { schema: wanted["json"] };
  return wanted["json_object"] === true ? {} : undefined;
}

function chatRefusal({ settings }: Context, body: JsonObject): Whole | undefined {
  const tools = body["tools"];
  const { messages } = body;
  if (messages === undefined) return validation("body.messages", "missing", "Field required");
  if (!Array.isArray(messages))
    return validation("body.messages", "list_type", "Input should be a valid list", messages);
  if (Array.isArray(tools) && tools.length === 0) return valueError("`tools` must not be an empty array.");
  const choice = body["tool_choice"] ?? (tools ? "auto" : "none");
  if (choice !== "none" && !tools) return valueError("When using `tool_choice`, `tools` must be set.");
  const named = readToolChoice(choice);
  if (named.mode === "named" && !readTools(tools).some(({ name }) => name === named.name)) {
    return valueError("The tool specified in `tool_choice` does not match any of the specified `tools`");
  }
  if (choice === "auto" && settings.lacks.includes("tools")) {
    const message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set';
    return fail(failure(400, message));
  }
  if (body["top_logprobs"] && body["logprobs"] !== true) {
    return valueError("when using `top_logprobs`, `logprobs` must be set to true.");
  }
  if (body["chat_template"] && typeof body["chat_template"] === "string") {
    const message =
      "Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.";
    return fail(failure(400, message));
  }
  if (body["continue_final_message"] === true && body["add_generation_prompt"] !== false) {
    return valueError("Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
  }
  const images = readConversation(body["messages"]).images;
  if (settings.lacks.includes("vision") && images.length > 0) {
    return fail(failure(400, "At most 0 image(s) may be provided in one prompt."));
  }
  const bad = images.find((image) => !/^(https?:\/\/|data:image\/)/.test(image));
  return bad === undefined
    ? undefined
    : fail(failure(422, "The URL must be either a HTTP, data or file URL."));
}

function writerOf(context: Context, body: JsonObject, turn: Turn, choice: ToolChoice) {
  const { call, serial, settings } = context;
  const id = `chatcmpl-${call.headers["x-request-id"] ?? hexDigits(serial, 32)}`;
  const model = settings.models[0] ?? "";
  const hidden = body["include_reasoning"] === false;
  const top = wantedLogprobs(body);
  const head = { id, object: "chat.completion.chunk", created: turn.createdS, model };
  // A named function is not the model's own decision, so vLLM reports an ordinary stop.
  const finish = ({ finish }: Answer) =>
    finish === "tool_calls" && choice.mode === "named" ? "stop" : finish;
  const callId = (index: number) => `chatcmpl-tool-${uuid(serial * 31 + index)}`;
  const lastMessage = objectOf(listOf(body["messages"]).at(-1));
  const echoed =
    body["echo"] === true && lastMessage["role"] === "assistant" ? String(lastMessage["content"] ?? "") : "";

  function whole(): Reply {
    const choices = turn.answers.map((answer, index) => {
      const said = echoed + answer.content.join("");
      const calls = answer.toolCalls.map((each, at) => ({
        id: callId(index * 100 + at),
        type: "function",
        function: { name: each.name, arguments: each.pieces.join("") },
      }));
      const silent = said === "" && (calls.length > 0 || answer.reasoning.length > 0);
      return {
        index,
        message: {
          role: "assistant",
          content: silent ? null : said,
          refusal: null,
          annotations: null,
          audio: null,
          function_call: null,
          ...(calls.length > 0 ? { tool_calls: calls } : {}),
          reasoning: answer.reasoning.length > 0 && !hidden ? answer.reasoning.join("") : null,
        },
        logprobs:
          top === undefined ? null : { content: answer.content.map((token) => chatLogprob(token, top)) },
        finish_reason: finish(answer),
        stop_reason: answer.stopMatch,
        token_ids: null,
      };
    });
    const reply = {
      id,
      object: "chat.completion",
      created: turn.createdS,
      model,
      choices,
      service_tier: null,
      system_fingerprint: FINGERPRINT,
      usage: turn.usage ? { ...usageOf(turn.usage), prompt_tokens_details: null } : null,
      prompt_logprobs: null,
      prompt_token_ids: null,
      kv_transfer_params: null,
    };
    return { ...json(200, reply), tokens: turn.tokens };
  }

  function delta(step: Step): JsonObject | undefined {
    switch (step.type) {
      case "open":
        return { role: "assistant", content: "" };
      case "reasoning":
        return hidden ? undefined : { reasoning: step.text };
      case "text":
        return { content: step.text };
      case "call": {
        const fn = { name: step.call.name, arguments: "" };
        return {
          tool_calls: [
            { id: callId(step.choice * 100 + step.index), type: "function", index: step.index, function: fn },
          ],
        };
      }
      case "arguments":
        return { tool_calls: [{ index: step.index, function: { arguments: step.piece } }] };
      case "close":
        return { content: "" };
    }
  }

  function* events(): Generator<WireEvent> {
    const options = objectOf(body["stream_options"]);
    const told = includesUsage(body) ? turn.usage : undefined;
    const continuous = told && options["continuous_usage_stats"] === true;
    let produced = 0;
    for (const step of steps(turn.answers)) {
      produced += step.tokens;
      const said = delta(step);
      const running = continuous
        ? { usage: usageOf({ ...told, completion: produced, total: told.prompt + produced }) }
        : {};
      const index = step.choice;
      if (!said) {
        // Hidden reasoning still costs its tokens: they show up as a silence of the same length.
        yield { part: "text", wire: "", tokens: step.tokens };
      } else if (step.type === "open") {
        const opening = { index, delta: said, logprobs: null, finish_reason: null };
        const wire = sse({
          ...head,
          choices: [opening],
          ...running,
          prompt_token_ids: null,
          prompt_text: null,
        });
        yield { part: "role", wire, tokens: 0 };
        if (echoed)
          yield {
            part: "text",
            wire: sse({ ...head, choices: [{ ...opening, delta: { content: echoed } }] }),
            tokens: 0,
          };
      } else if (step.type === "close") {
        const { answer } = step;
        const reason = { finish_reason: finish(answer), stop_reason: answer.stopMatch, token_ids: null };
        const fingerprint = step.last && !told ? { system_fingerprint: FINGERPRINT } : {};
        const wire = sse({
          ...head,
          choices: [{ index, delta: said, logprobs: null, ...reason }],
          ...running,
          ...fingerprint,
        });
        yield { part: "finish", wire, tokens: step.tokens };
      } else {
        const logprobs =
          top !== undefined && step.type === "text" ? { content: [chatLogprob(step.text, top)] } : null;
        const wire = sse({
          ...head,
          choices: [{ index, delta: said, logprobs, finish_reason: null, token_ids: null }],
          ...running,
        });
        yield { part: "text", wire, tokens: step.tokens };
      }
    }
    if (told) {
      const wire = sse({ ...head, choices: [], usage: usageOf(told), system_fingerprint: FINGERPRINT });
      yield { part: "usage", wire, tokens: 0 };
    }
  }

  return { whole, stream: () => vllmStream(events()) };
}

/** A stream as vLLM frames it: an error says so and is followed by the end marker all the same. */
export function vllmStream(events: Iterable<WireEvent>): Reply {
  const headers = { "content-type": "text/event-stream; charset=utf-8" };
  return { type: "stream", headers, events, trouble: [sse({ error: failure(500) }), DONE], end: DONE };
}

/** `usage` in vLLM's order. */
export function usageOf({ prompt, total, completion }: Usage) {
  return { prompt_tokens: prompt, total_tokens: total, completion_tokens: completion };
}
