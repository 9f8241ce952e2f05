import type {
  ChatCompletion,
  ChatLogprobs,
  ChatRequest,
  FinishReason,
  ToolCallDelta,
} from "../contracts/chat.ts";
import type { Usage } from "../contracts/common.ts";
import type { Completion, CompletionRequest } from "../contracts/completions.ts";
import type { EmbeddingList, EmbeddingRequest } from "../contracts/embeddings.ts";
import type { Reranking, RerankRequest } from "../contracts/rerank.ts";
import type { Failure } from "../kernel/failure.ts";
import type { Result } from "../kernel/result.ts";
import type { Abilities, Feature } from "./abilities.ts";

/** What a caller can ask of an engine. */
export type Operation = "chat" | "completion" | "embedding" | "rerank";

/** A model as one engine serves it. `names` are what a caller may call it, the engine's own first. */
export type EngineModel = {
  readonly names: readonly string[];
  /** Case does not matter in its names, which are there in lower case too. */
  readonly anyCase?: true;
  readonly created?: number;
  readonly ownedBy?: string;
  /** Tokens that one request may use: prompt and answer together. */
  readonly contextLength?: number;
  /** What its kind of engine can do, and this model, or this engine as it was started, cannot: it would be ignored. */
  readonly lacks?: readonly Feature[];
};

/**
 * One request to one engine. `body` is the caller's request, checked against its contract; `text` is the same as it
 * came over the wire, so that an engine which speaks the caller's format can be sent the very bytes.
 */
export type EngineCall<Body> = {
  readonly body: Body;
  readonly text: string;
  readonly engine: string;
  readonly model: EngineModel;
  readonly requestId: string;
};

/** What to send to the engine; `path` is relative to its base URL. */
export type EngineRequest = {
  readonly path: string;
  /** `POST` where nothing is said. */
  readonly method?: "POST" | "GET" | "DELETE";
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * What an engine's answer other than success means. Only `failure` speaks against the engine: a client fault is the
 * caller's, overload and loading pass.
 */
export type EngineFault = {
  readonly class: "client_fault" | "overload" | "loading" | "failure";
  readonly status: number;
  readonly message: string;
  readonly type?: string;
  readonly param?: string;
  readonly code?: string;
  readonly retryAfterMs?: number;
};

/** The canonical events of an answer, whatever the engine's own protocol is. */
export type EngineEvent =
  | {
      readonly type: "delta";
      readonly index: number;
      readonly content?: string;
      readonly reasoning?: string;
      readonly toolCalls?: readonly ToolCallDelta[];
      /** In the form of the operation: that of chats, or for completions that of OpenAI's legacy ones. */
      readonly logprobs?: ChatLogprobs;
    }
  | { readonly type: "finish"; readonly index: number; readonly reason: FinishReason }
  | { readonly type: "usage"; readonly usage: Usage }
  | { readonly type: "error"; readonly fault: EngineFault }
  /**
   * The engine's own mark that nothing follows. It proves nothing: some engines send it after an error. `early` where
   * the answer is over for us while the engine goes on: its connection is closed then, not drained.
   */
  | { readonly type: "done"; readonly early?: true };

/** Turns an engine's bytes into events, however the network cut the bytes. */
export type StreamDecoder = {
  push(bytes: Uint8Array): EngineEvent[];
  /** The events of what is left when the stream has ended. */
  end(): EngineEvent[];
};

/** What an adapter may say about one chunk in OpenAI's format that is about to be passed on. */
export type ChunkRules = {
  /** Whether an event is worth parsing; every other one passes on as it is. Within JSON strings quotes are escaped, so
   * a mark that begins with a quote cannot be in an answer's text. */
  readonly mark: RegExp;
  /** Makes, for one stream, what changes its parsed chunks to OpenAI's form, in place. */
  readonly mender?: () => (chunk: Record<string, unknown>) => void;
  /** Whether usage is told once for each choice, of that choice alone. */
  readonly usagePerChoice?: boolean;
  /** What the engine's kind makes of an error inside a stream. */
  readonly judge?: (fault: EngineFault) => EngineFault;
  /** Finish reasons by which the engine says that it gave up. */
  readonly brokenFinish: ReadonlySet<string>;
};

/** What a client asked to be told in a stream besides the text, and how many choices it asked for. */
export type AskedFor = { readonly usage: boolean; readonly logprobs: boolean; readonly choices: number };

/**
 * How an engine's streamed answer reaches the client.
 * - `openai`: the engine speaks the client's format. `native` relays its bytes without any script per chunk (see
 *   performance notes in workers/gateway/relay) and is for engines that never say `[DONE]` after an error; `exact` looks at every event
 *   before it passes it on.
 * - `translated`: every event is decoded and written anew.
 */
export type StreamFormat =
  | { readonly format: "openai"; relay(asked: AskedFor): "native" | "exact"; readonly rules: ChunkRules }
  | { readonly format: "translated"; decoder(body: ChatRequest | CompletionRequest): StreamDecoder };

/**
 * How one operation is spoken with an engine. `answer` reads a whole (not streamed) answer of status 2xx; where it
 * gives back the very `json`, the engine's own text is sent to the client.
 */
export type Exchange<Body, Answer> = {
  encode(call: EngineCall<Body>): Result<EngineRequest, Failure>;
  answer(json: unknown, call: EngineCall<Body>, nowMs: number): Result<Answer, EngineFault>;
};

/** What an engine had written of an answer when its stream broke off. */
export type Written = {
  /** All of the answer's text so far, as the client has it. */
  readonly text: string;
  /** About how many tokens that is. */
  readonly tokens: number;
};

/** Likewise for operations whose answer can be streamed. */
export type StreamedExchange<Body, Answer> = Exchange<Body, Answer> & {
  readonly stream: StreamFormat;
  /**
   * The request by which this engine goes on with a text that another engine of the same model began: its stream holds
   * what comes after `written`, and nothing of it. Absent where this engine cannot. It is only called for requests of
   * one choice and one prompt, without tools, forced JSON or log probabilities, of which no reasoning was written; limits
   * on tokens are to be lowered by `written.tokens`, to 1 at least.
   */
  continue?(call: EngineCall<Body>, written: Written): Result<EngineRequest, Failure>;
  /**
   * Whether the engine goes on with a text depends on the model's template, which it does not tell: it is only asked to
   * where its operator says so (`continues`). One that begins anew would write a wrong answer that looks like a right one.
   */
  readonly continuesIfTold?: true;
  /** Whole answers are asked for as a stream and assembled: this engine's own cannot be trusted, or cut. */
  readonly assembled?: true;
};

/** What an engine says about itself when asked whether it can serve. */
export type EngineHealth = "ready" | "loading" | "down";

/** How busy an engine is, from its own metrics. */
export type EngineLoad = {
  readonly running?: number;
  readonly waiting?: number;
  /** Share of the KV cache in use, 0 to 1. */
  readonly kvUse?: number;
  /** Requests that it serves at once; more of them wait. */
  readonly slots?: number;
};

/** What an engine of this kind gets where its operator says nothing. */
export type EngineDefaults = {
  /** Requests that it is given at once; more of them wait with us, for nearly all engines queue without a bound. */
  readonly concurrencyMax: number;
  /** Wait for the first event, in milliseconds, where the deployment's own default would be too short. */
  readonly firstByteTimeoutMs?: number;
  /** Likewise for silence in mid-stream. */
  readonly idleTimeoutMs?: number;
};

/** What an operator can do with a model at an engine. */
export type ModelAction = "pull" | "load" | "unload" | "sleep" | "wake";

/** How an engine is told to, and what it says of the progress of a pull, line by line. */
export type ModelControl = Partial<
  Record<ModelAction, (model: string, options: { readonly source?: string }) => EngineRequest>
> & {
  /** Present where `load` and `unload` are for LoRA adapters: the model itself is loaded when the engine starts. */
  readonly loads?: "adapters";
  /** Reads one line of the answer to `pull`; sizes are in bytes, and 0 where it does not say. */
  readProgress?(line: string):
    | {
        readonly status: string;
        readonly done: number;
        readonly total: number;
        /** Set on the line that ends it. An answer without such a line has failed. */
        readonly outcome?: "finished" | "failed";
      }
    | undefined;
};

/** An engine's wire protocol, as data and small functions. It never sees a Worker, a socket or a clock. */
export type EngineAdapter = {
  /** The engine's name as people write it. */
  readonly label: string;
  readonly chat: StreamedExchange<ChatRequest, ChatCompletion>;
  readonly completion: StreamedExchange<CompletionRequest, Completion>;
  /** Absent where the engine has none, as are the following. */
  readonly embedding?: Exchange<EmbeddingRequest, EmbeddingList>;
  readonly rerank?: Exchange<RerankRequest, Reranking>;
  /** What this kind can do, and who does it: the source of README's table, and held against `encode` by the contract. */
  readonly abilities: Abilities;
  readonly defaults: EngineDefaults;
  /** Reads an answer whose status is not 2xx. `text` is its body, possibly cut, possibly of a proxy in between. */
  classify(status: number, text: string, retryAfterMs: number | undefined): EngineFault;
  readonly models: {
    readonly path: string;
    read(json: unknown): EngineModel[];
    /** It has no list of models: its operator has to name what it serves. */
    readonly listsNone?: true;
    /** What else it tells of the model that it serves, where it serves one. Absent where the list says all. */
    readonly details?: { readonly path: string; read(json: unknown): Pick<EngineModel, "lacks"> };
  };
  readonly health: { readonly path: string; read(status: number, text: string): EngineHealth };
  /** Absent where the engine tells nothing. */
  readonly load?: { readonly path: string; read(text: string): EngineLoad };
  /** The engine's own call that ends a request, where closing the connection is not enough. */
  readonly abort?: (requestId: string) => EngineRequest;
  readonly control?: ModelControl;
  /** The base URL without what operators like to leave at its end (`/v1`, `/`). */
  readonly trimBaseUrl: (baseUrl: string) => string;
};

/** An adapter whose engine makes embeddings. */
export type EmbeddingAdapter = EngineAdapter & Required<Pick<EngineAdapter, "embedding">>;
