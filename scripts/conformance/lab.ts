import type { ChatCompletion, ChatRequest } from "../../shared/contracts/chat.ts";
import type { Usage } from "../../shared/contracts/common.ts";
import type { Completion, CompletionRequest } from "../../shared/contracts/completions.ts";
import type { EmbeddingList, EmbeddingRequest } from "../../shared/contracts/embeddings.ts";
import type { Reranking, RerankRequest } from "../../shared/contracts/rerank.ts";
import type { EngineAdapter, EngineCall, EngineModel } from "../../shared/engines/engine.ts";
import { type EngineKind, engines } from "../../shared/engines/engines.ts";
import { err, ok } from "../../shared/kernel/result.ts";
import { type Bodies, type TextFields, createBodies } from "./bodies.ts";
import type { Options } from "./options.ts";
import { type Speaker, createSpeaker, isChat } from "./speaker.ts";
import type { Streamed } from "./streamed.ts";
import type { Said, Trouble } from "./trouble.ts";
import { type Wire, createWire } from "./wire.ts";

/** A whole answer of a chat or of a completion: its first choice. */
export type Text = {
  readonly content: string;
  readonly finish: string | null | undefined;
  readonly usage: Usage | null | undefined;
};

/** One engine under test. `name` is what an exchange is recorded under. */
export type Lab = {
  readonly kind: EngineKind;
  readonly adapter: EngineAdapter;
  readonly wire: Wire;
  readonly speaker: Speaker;
  readonly bodies: Bodies;
  /** The models as the engine lists them, or as they were named where it does not. */
  readonly models: Readonly<Record<"chat" | "embedding" | "rerank", EngineModel>>;
  call<Body extends { readonly model: string }>(body: Body, model?: EngineModel): EngineCall<Body>;
  chat(name: string, fields?: Partial<ChatRequest>): Said<ChatCompletion>;
  streamChat(name: string, fields?: Partial<ChatRequest>): Said<Streamed>;
  completion(name: string, fields?: Partial<CompletionRequest>): Said<Completion>;
  streamCompletion(name: string, fields?: Partial<CompletionRequest>): Said<Streamed>;
  /** A chat, or a completion where the engine has no chats. */
  text(name: string, fields?: TextFields): Said<Text>;
  streamText(name: string, fields?: TextFields): Said<Streamed>;
  embedding(name: string, fields: Partial<EmbeddingRequest>): Said<EmbeddingList>;
  rerank(name: string, fields: Partial<RerankRequest>): Said<Reranking>;
};

/** The engine's own list is asked for once; where it cannot be read, the names given stand for its models. */
export async function openLab(options: Options): Promise<Lab> {
  const adapter: EngineAdapter = engines[options.kind];
  const baseUrl = adapter.trimBaseUrl(options.url);
  const wire = createWire({ baseUrl, apiKey: options.apiKey, timeoutMs: options.timeoutMs });
  const listed = await listModels(adapter, wire);
  const find = (name: string): EngineModel =>
    listed.find(({ names }) => names.includes(name)) ?? { names: [name] };
  const chat = options.model === undefined ? (listed[0] ?? { names: ["default"] }) : find(options.model);
  const embedding = options.embeddingModel === undefined ? chat : find(options.embeddingModel);
  const rerank = options.rerankModel === undefined ? embedding : find(options.rerankModel);
  return createLab(options.kind, adapter, wire, { chat, embedding, rerank });
}

async function listModels(adapter: EngineAdapter, wire: Wire): Promise<EngineModel[]> {
  const heard = await wire.send("models", { path: adapter.models.path, method: "GET", body: "" });
  try {
    return adapter.models.read(JSON.parse(heard.text));
  } catch {
    return [];
  }
}

function createLab(kind: EngineKind, adapter: EngineAdapter, wire: Wire, models: Lab["models"]): Lab {
  let serial = 0;
  const call: Lab["call"] = (body, model = models.chat) => ({
    body,
    text: JSON.stringify(body),
    engine: kind,
    model,
    requestId: `conformance-${process.pid}-${++serial}`,
  });
  const bodies = createBodies(adapter, models.chat);
  const speaker = createSpeaker(adapter, wire, call);
  const nameOf = (model: EngineModel): string => model.names[0] ?? "";
  return {
    kind,
    adapter,
    wire,
    speaker,
    bodies,
    models,
    call,
    chat: (name, fields) => speaker.whole(name, bodies.chat(fields)),
    streamChat: (name, fields) => speaker.streamed(name, bodies.chat(fields)),
    completion: (name, fields) => speaker.wholeCompletion(name, bodies.completion(fields)),
    streamCompletion: (name, fields) => speaker.streamed(name, bodies.completion(fields)),
    text: (name, fields) => textOf(speaker, name, bodies.text(fields)),
    streamText: (name, fields) => speaker.streamed(name, bodies.text(fields)),
    async embedding(name, fields) {
      const asked = call({ model: nameOf(models.embedding), input: "text", ...fields }, models.embedding);
      return adapter.embedding
        ? speaker.exchanged(name, adapter.embedding, asked)
        : err(absent("embeddings"));
    },
    async rerank(name, fields) {
      const body = { model: nameOf(models.rerank), query: "text", documents: ["text"], ...fields };
      const asked = call(body, models.rerank);
      return adapter.rerank ? speaker.exchanged(name, adapter.rerank, asked) : err(absent("reranking"));
    },
  };
}

async function textOf(speaker: Speaker, name: string, body: ReturnType<Bodies["text"]>): Said<Text> {
  if (isChat(body)) {
    const said = await speaker.whole(name, body);
    if (!said.ok) return said;
    const [choice] = said.value.choices;
    const content = choice?.message.content ?? "";
    return ok({ content, finish: choice?.finish_reason, usage: said.value.usage });
  }
  const said = await speaker.wholeCompletion(name, body);
  if (!said.ok) return said;
  const [choice] = said.value.choices;
  return ok({ content: choice?.text ?? "", finish: choice?.finish_reason, usage: said.value.usage });
}

const absent = (what: string): Trouble => ({
  by: "adapter",
  failure: { kind: "invalid_request", message: `the adapter has no ${what}` },
});
