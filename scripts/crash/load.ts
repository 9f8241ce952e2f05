import { predictChat } from "../../engines-infra/simulator/index.ts";
import { type Usage, chat } from "../../workers/gateway/proof/asking.ts";

/** A request of a client: what its engine makes of it, and whether the client has seen the end of the answer. */
export type Asked = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Most tokens that may be set aside for it. */
  readonly reservedMax: number;
  finished: boolean;
  /** The usage that the client was told, where that is not what was predicted. */
  wrong?: Usage;
};

const TOKENS_MAX = 60;
/** As the ledger estimates a prompt while it has learnt nothing: a quarter of the JSON's letters, and half as much again. */
const LETTERS_PER_TOKEN = 4 / 1.5;

/** Clients that ask one request after the other, whole and streamed, until the platform is gone. */
export async function load(
  url: string,
  key: string,
  clients: number,
  random: () => number,
): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  const client = async (which: number) => {
    for (let turn = 0; ; turn++) {
      const tokens = 1 + Math.floor(random() * 40);
      const stream = random() < 0.5;
      const body = chat("crash", `${which} ${turn} ${random()} [sim tokens=${tokens} gap=3]`, {
        max_tokens: TOKENS_MAX,
        stream,
        ...(stream && { stream_options: { include_usage: true } }),
      });
      const { promptTokens, completionTokens } = predictChat(body);
      const text = JSON.stringify(body);
      const reservedMax = Math.ceil(text.length / LETTERS_PER_TOKEN) + 1 + TOKENS_MAX;
      const request: Asked = { promptTokens, completionTokens, reservedMax, finished: false };
      asked.push(request);
      try {
        const usage = await answerTo(url, key, text, stream);
        request.finished = true;
        if (usage.prompt_tokens !== promptTokens || usage.completion_tokens !== completionTokens)
          request.wrong = usage;
      } catch {
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, which) => client(which)));
  return asked;
}

/** The usage of an answer that has come to its end; throws where it has none. */
async function answerTo(url: string, key: string, body: string, stream: boolean): Promise<Usage> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  if (!stream) return (JSON.parse(text) as { usage: Usage }).usage;
  const events = text.split("\n\n").filter((event) => event.startsWith("data: {"));
  if (!text.includes("data: [DONE]")) throw new Error("the stream broke off");
  return (JSON.parse((events.at(-1) ?? "").slice("data: ".length)) as { usage: Usage }).usage;
}
