/** A language model that says what a test tells it to, one byte a token, so that every character border is crossed. */
import type {
  ChatTemplate,
  EmbeddingModel,
  GenerateRequest,
  GenerationEvent,
  LanguageModel,
  ModelCard,
  SlotMemory,
  Token,
} from "../model/port.ts";
import { sharedTokens } from "../model/memory.ts";
import { madeUp, parseGbnf } from "./gbnf.ts";
import { seededRandom } from "./random.ts";

const SPECIAL = ["<|im_start|>", "<|im_end|>"] as const;
export const END_TOKEN = 256 + SPECIAL.indexOf("<|im_end|>");
const VOCABULARY = 256 + SPECIAL.length;

export type Script = {
  /** What the model answers to a prompt. With a grammar and no answer it makes up a text that follows it. */
  answer?: (promptText: string, request: GenerateRequest) => string;
  /** Awaited before each token: a test can hold the model back, or let it fail by rejecting. */
  beforeToken?: (index: number, slot: number) => Promise<void>;
  contextTokens?: number;
  slots?: number;
  template?: Partial<ChatTemplate>;
};

const CARD: ModelCard = {
  id: "scripted",
  description: "says what a test tells it to",
  path: "/models/scripted.gguf",
  sizeBytes: 1000,
  parameters: 500,
  vocabularyTokens: VOCABULARY,
  vocabularyType: 2,
  contextTokens: 2048,
  trainContextTokens: 8192,
  embeddingLength: 64,
  weightType: "scripted",
};

export class ScriptedModel implements LanguageModel {
  readonly card: ModelCard;
  readonly template: ChatTemplate;
  readonly slots: number;
  /** Every request that was made, for tests to look at. */
  readonly requests: GenerateRequest[] = [];
  /** Slots in which something is being generated now. */
  readonly running = new Set<number>();
  readonly #script: Script;
  readonly #memory: Token[][];

  constructor(script: Script = {}) {
    this.#script = script;
    this.slots = script.slots ?? 1;
    this.card = { ...CARD, contextTokens: script.contextTokens ?? CARD.contextTokens };
    this.template = { source: "chatml", bosText: "", eosText: "<|im_end|>", ...script.template };
    this.#memory = Array.from({ length: this.slots }, () => []);
  }

  tokenize(text: string, special: boolean): Token[] {
    const parts = special ? text.split(/(<\|im_start\|>|<\|im_end\|>)/) : [text];
    return parts.flatMap((part) => {
      const id = special ? SPECIAL.findIndex((each) => each === part) : -1;
      return id >= 0 ? [256 + id] : [...Buffer.from(part)];
    });
  }

  tokenizePrompt(text: string): Token[] {
    return this.tokenize(text, true);
  }

  detokenize(tokens: readonly Token[]): string {
    return Buffer.from(tokens.filter((token) => token < 256)).toString("utf8");
  }

  render(variables: Record<string, unknown>): string {
    const messages = variables["messages"] as Array<{ role: string; content: string }>;
    if (messages.some(({ content }) => content === "refuse me")) throw new Error("roles must alternate");
    const tools = variables["tools"] ? `[tools:${JSON.stringify(variables["tools"])}]` : "";
    const text = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("");
    return `${tools}${text}<|im_start|>assistant\n`;
  }

  isEndOfGeneration(token: Token): boolean {
    return token === END_TOKEN;
  }

  acceptsGrammar(gbnf: string): boolean {
    try {
      parseGbnf(gbnf);
      return true;
    } catch {
      return false;
    }
  }

  memoryFor(slot: number, prompt: readonly Token[]): SlotMemory {
    const memory = this.#memory[slot] ?? [];
    const keptTokens = Math.min(sharedTokens(memory, prompt), prompt.length - 1);
    return { keptTokens, lostTokens: memory.length - keptTokens };
  }

  async *generate(
    slot: number,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void> {
    const { answer, beforeToken } = this.#script;
    const { prompt, grammar, sampling, topLogprobs } = request;
    this.requests.push(request);
    this.running.add(slot);
    const written: Token[] = [];
    try {
      const cachedTokens = this.memoryFor(slot, prompt).keptTokens;
      const text =
        answer?.(this.detokenize(prompt), request) ??
        (grammar ? madeUp(parseGbnf(grammar), seededRandom(sampling.seed)) : "Hello!");
      for (const [index, token] of [...Buffer.from(text), END_TOKEN].entries()) {
        await beforeToken?.(index, slot);
        if (signal.aborted) return;
        if (index === 0) yield { kind: "prompt", tokens: prompt.length, cachedTokens };
        written.push(token);
        const chances = {
          logprob: -0.5,
          top: [
            { token, logprob: -0.5 },
            { token: 65, logprob: -1.5 },
          ].slice(0, topLogprobs),
        };
        yield {
          kind: "token",
          token,
          end: token === END_TOKEN,
          ...(topLogprobs === undefined ? {} : chances),
        };
      }
      throw new Error("the caller went on after the end of the answer");
    } finally {
      this.#memory[slot] = [...prompt, ...written.slice(0, -1)];
      this.running.delete(slot);
    }
  }
}

/** Embeds a text as the frequencies of its letters, normalised. */
export class LetterEmbeddings implements EmbeddingModel {
  readonly card: ModelCard = {
    ...CARD,
    id: "letters",
    contextTokens: 16,
    embeddingLength: 26,
    vocabularyTokens: 256,
  };

  tokenize(text: string): Token[] {
    return [...Buffer.from(text)];
  }

  async embed(tokens: readonly Token[]): Promise<Float32Array> {
    const counts = new Float32Array(26);
    for (const token of tokens)
      if (token >= 97 && token < 123) counts[token - 97] = (counts[token - 97] ?? 0) + 1;
    const length = Math.hypot(...counts) || 1;
    return counts.map((count) => count / length);
  }
}
