/** What a model or a server was started without. */
export type Feature =
  "chat" | "tools" | "vision" | "thinking" | "embeddings" | "rerank" | "dimensions" | "metrics";

/** Server-wide behaviour, changed at any time by `configure`. */
export type Settings = {
  /** Names that the server serves; the first is the one that aliases report. */
  models: string[];
  /** Stands for the model file: simulators with the same weights write the same text under whatever names. */
  weights: string;
  apiKey: string | null;
  /** Between chunks that carry tokens. */
  gapMs: number;
  /** Before the first token. */
  latencyMs: number;
  /** Requests that run at once; the rest wait in order. */
  slots: number;
  loading: boolean;
  /** Closes the listening socket: connections are refused, until false or for that many milliseconds. */
  refuse: boolean | number;
  /** How often the engine looks whether its client is still there; 0 for at once. */
  disconnectPollMs: number;
  /** Context length in tokens. */
  contextTokens: number;
  /** Whether a closing assistant message is the beginning of the answer. */
  continuesPrefill: boolean;
  lacks: Feature[];
  /** Ollama only: native tool calls come on the last line, as its llama-server path writes them. */
  toolCallsOnDone: boolean;
  /** Obeys `[sim ...]` in requests. The blocks are taken out of the text in any case. */
  inBand: boolean;
  /** A directive for every request, for example `"gap=5 split=7"`. */
  always: string;
  /** A directive for the next generating requests. */
  failNext: { count: number; with: string };
};

/** Settings before a kind's own. */
export const DEFAULTS: Settings = {
  models: ["sim-model"],
  weights: "eco-sim",
  apiKey: null,
  gapMs: 0,
  latencyMs: 0,
  slots: Infinity,
  loading: false,
  refuse: false,
  disconnectPollMs: 0,
  contextTokens: 32_768,
  continuesPrefill: true,
  lacks: [],
  toolCallsOnDone: false,
  inBand: true,
  always: "",
  failNext: { count: 0, with: "" },
};
