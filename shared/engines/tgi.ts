import { continuedChat, continuedCompletion } from "./continued.ts";
import type { EngineAdapter } from "./engine.ts";
import { trimBaseUrl, unsupported } from "./openai-dialect.ts";
import { answerChat } from "./tgi-chat-answer.ts";
import { tgiChatDecoder } from "./tgi-chat-stream.ts";
import { answerCompletion } from "./tgi-completion-answer.ts";
import { encodeCompletion } from "./tgi-completion-request.ts";
import { tgiCompletionDecoder } from "./tgi-completion-stream.ts";
import { classifyTgi } from "./tgi-fault.ts";
import { readInfo, readLoad } from "./tgi-model.ts";
import { encodeChat } from "./tgi-request.ts";

// Hugging Face's Text Generation Inference: https://huggingface.co/docs/text-generation-inference
// A chat goes to its /v1/chat/completions, for only there is the model's template applied; completions go by either way,
// see tgi-completion-request.ts. No stream of it can be passed on as it is: ids are empty, tool calls end without a
// finish reason, stop texts are kept, and `[DONE]` follows errors.

/**
 * Whether TGI goes on from this closing assistant message. It looks for its text, from the end, in what the template
 * made of the conversation, and drops the space behind it. A text with space around it may have been trimmed, and would
 * be begun anew; a short one may be found in the words by which the template opens a turn.
 */
const isFoundAgain = (content: unknown): boolean =>
  typeof content === "string" &&
  content === content.trim() &&
  !/^[a-z_<|>/[\]#:]{1,16}$/.test(content) &&
  !"Assistant".includes(content);

export const tgi: EngineAdapter = {
  label: "TGI",
  chat: {
    encode: encodeChat,
    answer: answerChat,
    stream: { format: "translated", decoder: tgiChatDecoder },
    continue: (call, written) => {
      const continued = continuedChat(call, written, { merges: true });
      return isFoundAgain(continued.body.messages.at(-1)?.content)
        ? encodeChat(continued)
        : unsupported(call.engine, "messages", "end in a text from which TGI cannot go on");
    },
  },
  completion: {
    encode: encodeCompletion,
    answer: answerCompletion,
    stream: { format: "translated", decoder: tgiCompletionDecoder },
    continue: (call, written) => continuedCompletion(call, written, encodeCompletion),
  },
  classify: classifyTgi,
  abilities: {
    chat: "engine",
    completion: "engine",
    embedding: "refused",
    rerank: "refused",
    images: "engine",
    tools: "engine",
    tool_choice: "engine",
    // Its grammars are made of a schema that has properties: there is none for any JSON.
    json_object: "refused",
    json_schema: "engine",
    reasoning: "gateway",
    logprobs: "engine",
    several_choices: "gateway",
    stop: "gateway",
    seed: "engine",
    logit_bias: "refused",
    // Of the frequency, and of repetition under its own name; not of presence.
    penalties: "engine",
    usage_in_streams: "engine",
    continuation: "engine",
  },
  // Its --max-concurrent-requests; one more is answered with 429. With tools and no call it generates twice before it
  // says a word.
  defaults: { concurrencyMax: 128, firstByteTimeoutMs: 240_000 },
  models: { path: "/info", read: readInfo },
  health: { path: "/health", read: (status) => (status === 200 ? "ready" : "down") },
  load: { path: "/metrics", read: readLoad },
  trimBaseUrl,
};
