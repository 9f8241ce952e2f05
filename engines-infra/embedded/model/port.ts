/** What the protocol needs of a model. The binding to llama.cpp implements it, and so does a scripted model in tests. */

/** A token's id in the model's vocabulary. */
export type Token = number;

/** How the next token is chosen. Names and defaults are llama-server's. */
export type Sampling = {
  /** 0 takes the likeliest token. */
  temperature: number;
  /** 0 switches it off. */
  topK: number;
  topP: number;
  minP: number;
  /** 32 bits; the same seed repeats the same answer. */
  seed: number;
  repeatPenalty: number;
  presencePenalty: number;
  frequencyPenalty: number;
  /** How many of the last tokens the penalties look at. */
  repeatLastTokens: number;
  /** Added to a token's logit; -Infinity forbids the token. */
  logitBias: ReadonlyMap<Token, number>;
};

export type GenerateRequest = {
  prompt: readonly Token[];
  sampling: Sampling;
  /** GBNF that the text must follow. */
  grammar?: string;
  /** How many of the likeliest tokens to report at each step; absent: no log probabilities. */
  topLogprobs?: number;
  /**
   * How much of what the slot remembers may be used again. `exact`: only what was computed the way a fresh prompt
   * is, so that answers repeat bit for bit. `most`: its own earlier output too, which is faster in a conversation.
   */
  reuse: "exact" | "most";
};

export type TokenLogprob = { token: Token; logprob: number };

export type GenerationEvent =
  | { kind: "prompt"; tokens: number; cachedTokens: number }
  | { kind: "token"; token: Token; end: boolean; logprob?: number; top?: readonly TokenLogprob[] };

/** What /v1/models, /props and /metrics say of a model. */
export type ModelCard = {
  id: string;
  description: string;
  path: string;
  sizeBytes: number;
  parameters: number;
  vocabularyTokens: number;
  /** llama.cpp's `llama_vocab_type`. */
  vocabularyType: number;
  /** Usable by one request, in tokens. */
  contextTokens: number;
  trainContextTokens: number;
  embeddingLength: number;
  weightType: string;
};

export type ChatTemplate = {
  source: string;
  bosText: string;
  eosText: string;
  /** The system message of a conversation that has none, where it is better than the template's own. */
  systemDefault?: string;
};

/** Of a slot's tokens, those that begin the prompt and need not be computed again, and those that do not. */
export type SlotMemory = { keptTokens: number; lostTokens: number };

export interface LanguageModel {
  readonly card: ModelCard;
  readonly template: ChatTemplate;
  /** Requests that can be worked on at the same time. */
  readonly slots: number;
  /** `special`: texts of control tokens such as <|im_start|> become these tokens. */
  tokenize(text: string, special: boolean): Token[];
  /** The prompt's tokens as the model wants them: with a BOS token in front where it needs one. */
  tokenizePrompt(text: string): Token[];
  /** Text of `tokens` when they follow `before`. Half a character shows as U+FFFD. Control tokens have no text. */
  detokenize(tokens: readonly Token[], before?: readonly Token[]): string;
  /** The prompt for a conversation by the model's own template. Throws where the template refuses the conversation. */
  render(variables: Record<string, unknown>): string;
  isEndOfGeneration(token: Token): boolean;
  /** Whether llama.cpp can parse this GBNF. */
  acceptsGrammar(gbnf: string): boolean;
  /** What giving the prompt to this slot would save, and what it would make the slot forget. */
  memoryFor(slot: number, prompt: readonly Token[]): SlotMemory;
  /**
   * Evaluates the prompt and yields one event for it, then one per token, without end: the caller stops by leaving
   * the loop. One generation at a time per slot. Ends early, without an error, when `signal` fires.
   */
  generate(
    slot: number,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void>;
}

export interface EmbeddingModel {
  readonly card: ModelCard;
  /** Tokens of one input as the model will see it, special tokens included. */
  tokenize(text: string): Token[];
  /** The unit vector of one input. `tokens` has at most `card.contextTokens` entries. */
  embed(tokens: readonly Token[], signal: AbortSignal): Promise<Float32Array>;
}
