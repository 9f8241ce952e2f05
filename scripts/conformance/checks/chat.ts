import { ChatCompletion, ChatCompletionChunk } from "../../../shared/contracts/chat.ts";
import { readUsage } from "../../../shared/engines/openai-answer.ts";
import { SseScanner } from "../../../shared/streams/sse.ts";
import type { Check } from "../check.ts";
import { QUESTION } from "../bodies.ts";
import type { Lab } from "../lab.ts";
import { type Outcome, fail, judge, quote } from "../outcome.ts";
import { decoded, decoderOf } from "../reading.ts";
import { failed } from "../trouble.ts";

/** Sizes that a network could cut a stream in: every small one, and some larger. */
const SIZES = [...Array.from({ length: 256 }, (_, at) => at + 1), 509, 1_021, 4_093, 16_381];

/** A chat, whole and streamed. */
export const chatChecks: readonly Check[] = [
  {
    id: "chat",
    title: "answers a chat in OpenAI's types",
    feature: "chat",
    async run(lab) {
      const said = await lab.chat("chat");
      if (!said.ok) return failed(said.error);
      const text = said.value.choices[0]?.message.content ?? "";
      const typed = ChatCompletion.safeParse(said.value);
      return judge(quote(text), [
        [typed.success, `not OpenAI's types: ${typed.error?.issues[0]?.path.join(".")}`],
        [text !== "", "its answer is empty"],
      ]);
    },
  },
  {
    id: "chat-stream",
    title: "says the same whole and streamed",
    feature: "chat",
    async run(lab) {
      const whole = await lab.chat("chat");
      const said = await lab.streamChat("chat-stream");
      if (!whole.ok) return failed(whole.error);
      if (!said.ok) return failed(said.error);
      const [choice] = said.value.choices;
      const [expected] = whole.value.choices;
      return judge(`${choice?.pieces.length} pieces, ${said.value.bytes.length} bytes`, [
        [
          choice?.content === expected?.message.content,
          `whole ${quote(expected?.message.content ?? "")}, streamed ${quote(choice?.content ?? "")}`,
        ],
        [
          choice?.finish === expected?.finish_reason,
          `ends with ${choice?.finish}, not ${expected?.finish_reason}`,
        ],
        [(choice?.pieces.length ?? 0) > 1, "all of it came in one piece"],
        [said.value.done, "it never says that it is done"],
      ]);
    },
  },
  {
    id: "chat-cut",
    title: "is read the same however the network cuts it",
    feature: "chat",
    async run(lab) {
      const said = await lab.streamChat("chat-cut");
      if (!said.ok) return failed(said.error);
      return cutEverywhere(lab, said.value.bytes);
    },
  },
  {
    id: "chat-chunks",
    title: "streams chunks of OpenAI's types",
    feature: "chat",
    async run(lab) {
      const { stream } = lab.adapter.chat;
      const said = await lab.streamChat("chat-chunks");
      if (!said.ok) return failed(said.error);
      if (stream.format === "translated") return judge("written anew from events", []);
      const mend = stream.rules.mender?.();
      const scanner = new SseScanner();
      const chunks = [...scanner.push(said.value.bytes), ...scanner.end()]
        .flatMap(({ data }) => (data === undefined || data.startsWith("[DONE]") ? [] : [data]))
        .map((data) => JSON.parse(data) as Record<string, unknown>);
      for (const chunk of chunks) {
        mend?.(chunk);
        // The relay writes usage anew.
        if (chunk.usage != null) chunk.usage = readUsage(chunk.usage);
        const typed = ChatCompletionChunk.safeParse(chunk);
        if (!typed.success)
          return fail(`${typed.error.issues[0]?.path.join(".")} of ${quote(JSON.stringify(chunk), 200)}`);
      }
      return judge(`${chunks.length} chunks`, [[chunks.length > 1, "one chunk"]]);
    },
  },
  {
    id: "usage",
    title: "counts tokens, and the same in streams",
    feature: "usage_in_streams",
    async run(lab) {
      const whole = await lab.text("usage");
      const longer = await lab.text("usage", { question: `${QUESTION} `.repeat(4) });
      const streamed = await lab.streamText("usage-stream");
      if (!whole.ok) return failed(whole.error);
      if (!longer.ok) return failed(longer.error);
      if (!streamed.ok) return failed(streamed.error);
      const { content, usage } = whole.value;
      if (!usage) return fail("it does not tell its usage");
      const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage;
      const inStream = streamed.value.usage;
      return judge(`${prompt} + ${completion} tokens`, [
        [usage.estimated !== true, "it does not tell its usage"],
        [
          prompt > 0 && completion > 0 && total === prompt + completion,
          `${prompt} + ${completion} = ${total}`,
        ],
        [(longer.value.usage?.prompt_tokens ?? 0) > prompt, "a longer prompt has no more tokens"],
        [completion <= content.length + 1, `${completion} tokens for ${content.length} characters`],
        [inStream !== undefined, "it does not tell its usage in a stream"],
        [
          inStream?.prompt_tokens === prompt && inStream.completion_tokens === completion,
          `${inStream?.prompt_tokens} + ${inStream?.completion_tokens} in a stream`,
        ],
      ]);
    },
  },
];

/** Reads a stream in pieces of every size, and says where it is not read as it is in one piece. */
export function cutEverywhere({ adapter, bodies }: Lab, bytes: Uint8Array): Outcome {
  const { stream } = adapter.chat;
  const body = bodies.chat({ stream: true });
  const whole = JSON.stringify(decoded(decoderOf(stream, body), bytes));
  const sizes = SIZES.filter((size) => size < bytes.length);
  const wrong = sizes.find((size) => JSON.stringify(decoded(decoderOf(stream, body), bytes, size)) !== whole);
  return judge(`${sizes.length} sizes of ${bytes.length} bytes`, [
    [wrong === undefined, `read otherwise in pieces of ${wrong} bytes`],
  ]);
}
