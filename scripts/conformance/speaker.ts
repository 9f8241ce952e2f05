import type { ChatCompletion, ChatRequest } from "../../shared/contracts/chat.ts";
import type { Completion, CompletionRequest } from "../../shared/contracts/completions.ts";
import type {
  EngineAdapter,
  EngineCall,
  EngineFault,
  EngineRequest,
  Exchange,
  StreamFormat,
} from "../../shared/engines/engine.ts";
import type { Failure } from "../../shared/kernel/failure.ts";
import { type Result, err, ok } from "../../shared/kernel/result.ts";
import { asWholeChat, asWholeCompletion, decoderOf, joinStream } from "./reading.ts";
import type { Streamed } from "./streamed.ts";
import type { Said, Trouble } from "./trouble.ts";
import type { Heard, Wire } from "./wire.ts";

type Body = ChatRequest | CompletionRequest;
type Call = <Of extends { readonly model: string }>(body: Of) => EngineCall<Of>;

export const isChat = (body: Body): body is ChatRequest => "messages" in body;

/** Speaks with one engine through its adapter alone. `name` is what an exchange is recorded under. */
export type Speaker = {
  whole(name: string, body: ChatRequest): Said<ChatCompletion>;
  wholeCompletion(name: string, body: CompletionRequest): Said<Completion>;
  streamed(name: string, body: Body): Said<Streamed>;
  /** Any exchange whose answer is never streamed. */
  exchanged<Of, Answer>(name: string, exchange: Exchange<Of, Answer>, asked: EngineCall<Of>): Said<Answer>;
  /** Sends what an adapter encoded, and reads a stream. */
  askStream(name: string, body: Body, encoded: Result<EngineRequest, Failure>): Said<Streamed>;
  /** Sends anything, and judges an answer other than success. */
  ask(name: string, request: EngineRequest): Said<Heard>;
  encode(body: Body): Result<EngineRequest, Failure>;
  streamOf(body: Body): StreamFormat;
};

/** `call` gives each request an id of its own. */
export function createSpeaker(adapter: EngineAdapter, wire: Wire, call: Call): Speaker {
  const streamOf = (body: Body): StreamFormat => (isChat(body) ? adapter.chat : adapter.completion).stream;
  const encode = (body: Body): Result<EngineRequest, Failure> =>
    isChat(body) ? adapter.chat.encode(call(body)) : adapter.completion.encode(call(body));

  const ask: Speaker["ask"] = async (name, request) => {
    const heard = await wire.send(name, request);
    if (heard.status >= 200 && heard.status < 300) return ok(heard);
    const seconds = Number(heard.headers["retry-after"]);
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
    return err({ by: "engine", fault: adapter.classify(heard.status, heard.text, retryAfterMs) });
  };

  /** `read` gets the answer of status 2xx. */
  async function speak<Answer>(
    name: string,
    encoded: Result<EngineRequest, Failure>,
    read: (heard: Heard) => Result<Answer, EngineFault>,
  ): Said<Answer> {
    if (!encoded.ok) return err({ by: "adapter", failure: encoded.error });
    const heard = await ask(name, encoded.value);
    if (!heard.ok) return heard;
    const answer = read(heard.value);
    return answer.ok ? answer : err<Trouble>({ by: "engine", fault: answer.error });
  }

  const askStream: Speaker["askStream"] = (name, body, encoded) =>
    speak(name, encoded, ({ bytes }) => {
      const stream = streamOf(body);
      const streamed = joinStream(stream, decoderOf(stream, body), bytes);
      const [fault] = streamed.errors;
      return fault ? err(fault) : ok(streamed);
    });

  const streamed: Speaker["streamed"] = (name, body) => {
    const asked = { ...body, stream: true };
    return askStream(name, asked, encode(asked));
  };

  const exchanged: Speaker["exchanged"] = (name, exchange, asked) =>
    speak(name, exchange.encode(asked), ({ text }) => exchange.answer(jsonOf(text), asked, Date.now()));

  return {
    ask,
    askStream,
    streamed,
    exchanged,
    encode,
    streamOf,
    whole: async (name, body) =>
      adapter.chat.assembled
        ? asWholeChat(await streamed(name, body))
        : exchanged(name, adapter.chat, call(body)),
    wholeCompletion: async (name, body) =>
      adapter.completion.assembled
        ? asWholeCompletion(await streamed(name, body))
        : exchanged(name, adapter.completion, call(body)),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
