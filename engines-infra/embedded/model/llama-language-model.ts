/** The language model on llama.cpp. */
import type {
  EvaluateOptions,
  LlamaContext,
  LlamaGrammar,
  LlamaModel,
  LlamaRuntime,
  LlamaSequence,
  LlamaToken,
} from "./llama-api.ts";
import { exactAfter, piecesOf, reusableTokens } from "./memory.ts";
import type {
  ChatTemplate,
  GenerateRequest,
  GenerationEvent,
  LanguageModel,
  ModelCard,
  Sampling,
  SlotMemory,
} from "./port.ts";
import type { Turns } from "./turns.ts";

export type LanguageModelOptions = { card: ModelCard; slots: number; turns: Turns; systemDefault?: string };

/** What llama-server uses for a model that brings no template. */
const CHATML =
  "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}{%- endfor -%}" +
  "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

type Slot = { sequence: LlamaSequence; exactTokens: number };

export class LlamaLanguageModel implements LanguageModel {
  readonly card: ModelCard;
  readonly template: ChatTemplate;
  readonly #runtime: LlamaRuntime;
  readonly #model: LlamaModel;
  readonly #slots: Slot[];
  readonly #turns: Turns;
  readonly #render: (variables: Record<string, unknown>) => string;

  constructor(
    runtime: LlamaRuntime,
    model: LlamaModel,
    context: LlamaContext,
    options: LanguageModelOptions,
  ) {
    this.card = options.card;
    this.#runtime = runtime;
    this.#model = model;
    this.#turns = options.turns;
    this.#slots = Array.from({ length: options.slots }, () => ({
      sequence: context.getSequence(),
      exactTokens: 0,
    }));
    this.template = {
      source: model.fileInfo.metadata.tokenizer?.chat_template ?? CHATML,
      bosText: model.tokens.bosString ?? "",
      eosText: model.tokens.eosString ?? "",
      systemDefault: options.systemDefault,
    };
    const template = new runtime.jinja.Template(this.template.source);
    this.#render = (variables) => template.render(variables);
  }

  get slots(): number {
    return this.#slots.length;
  }

  tokenize(text: string, special: boolean): LlamaToken[] {
    return text === "" ? [] : [...this.#model.tokenize(text, special)];
  }

  tokenizePrompt(text: string): LlamaToken[] {
    const tokens = this.tokenize(text, true);
    const { bos, shouldPrependBosToken } = this.#model.tokens;
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  detokenize(tokens: readonly LlamaToken[], before: readonly LlamaToken[] = []): string {
    return this.#model.detokenize(tokens, false, before);
  }

  render(variables: Record<string, unknown>): string {
    return this.#render(variables);
  }

  isEndOfGeneration(token: LlamaToken): boolean {
    return this.#model.isEogToken(token);
  }

  acceptsGrammar(gbnf: string): boolean {
    try {
      return Boolean(this.#grammar(gbnf));
    } catch {
      return false;
    }
  }

  memoryFor(slot: number, prompt: readonly LlamaToken[]): SlotMemory {
    const memory = this.#memory(this.#slotAt(slot));
    const keptTokens = reusableTokens(memory, prompt, "most");
    return { keptTokens, lostTokens: memory.tokens.length - keptTokens };
  }

  async *generate(
    slotId: number,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void> {
    const slot = this.#slotAt(slotId);
    const { sequence } = slot;
    const { prompt, sampling } = request;
    const options = this.#evaluateOptions(request);
    const cachedTokens = await this.#recall(slot, request);
    const pieces = piecesOf(prompt, cachedTokens);
    const exactTokens = exactAfter(this.#memory(slot), cachedTokens, prompt.length);
    slot.exactTokens = Math.min(exactTokens, cachedTokens);
    for (const piece of pieces.slice(0, -1)) {
      if (signal.aborted) return;
      await this.#turns.run(() => sequence.evaluateWithoutGeneratingNewTokens(piece));
    }
    if (signal.aborted) return;

    const seen = [...prompt];
    const repeatPenalty = penaltiesOf(sampling, () => seen.slice(-sampling.repeatLastTokens));
    const tokens = sequence.evaluate(pieces.at(-1) ?? [], { ...options, repeatPenalty });
    try {
      let isFirst = true;
      while (!signal.aborted) {
        const next = await this.#turns.run(() => tokens.next());
        if (isFirst) {
          slot.exactTokens = exactTokens;
          yield { kind: "prompt", tokens: prompt.length, cachedTokens };
          isFirst = false;
        }
        if (next.done) return;
        const token = next.value;
        const chances = await this.#chances(request, slot, token);
        seen.push(token);
        yield { kind: "token", token, end: this.isEndOfGeneration(token), ...chances };
      }
    } finally {
      await tokens.return();
    }
  }

  /** Throws where llama.cpp cannot parse it. */
  #grammar(gbnf: string): LlamaGrammar {
    const { module, llama } = this.#runtime;
    return new module.LlamaGrammar(llama, { grammar: gbnf });
  }

  #slotAt(id: number): Slot {
    const slot = this.#slots[id];
    if (!slot) throw new Error(`there is no slot ${id}`);
    return slot;
  }

  #memory(slot: Slot): { tokens: readonly LlamaToken[]; exactTokens: number } {
    return { tokens: slot.sequence.contextTokens, exactTokens: slot.exactTokens };
  }

  /** Forgets what does not begin the prompt; returns how many tokens of the prompt the slot then holds. */
  async #recall(slot: Slot, { prompt, reuse }: GenerateRequest): Promise<number> {
    const { sequence } = slot;
    const kept = reusableTokens(this.#memory(slot), prompt, reuse);
    await this.#turns.run(() =>
      sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]),
    );
    // Models that cannot forget half of their state (recurrent ones, sliding windows) may have forgotten more.
    return Math.min(kept, sequence.nextTokenIndex);
  }

  #evaluateOptions({ sampling, grammar }: GenerateRequest): EvaluateOptions {
    const { module } = this.#runtime;
    const { temperature, topK, topP, minP, seed, logitBias } = sampling;
    const options: EvaluateOptions = { temperature, topK, topP, minP, seed, yieldEogToken: true };
    if (grammar !== undefined) {
      options.grammarEvaluationState = new module.LlamaGrammarEvaluationState({
        model: this.#model,
        grammar: this.#grammar(grammar),
      });
    }
    if (logitBias.size > 0) {
      const bias = module.TokenBias.for(this.#model);
      for (const [token, logit] of logitBias) bias.set(token, logit === -Infinity ? "never" : { logit });
      options.tokenBias = bias;
    }
    return options;
  }

  /**
   * The raw distribution from which `token` was drawn. The sampler has already bent its own copy of it (top-k, grammar,
   * temperature), so the last token is evaluated once more: that costs a second step, only where a client asks.
   */
  async #chances({ topLogprobs, prompt }: GenerateRequest, slot: Slot, token: LlamaToken) {
    if (topLogprobs === undefined) return {};
    const { sequence } = slot;
    const at = sequence.nextTokenIndex - 1;
    slot.exactTokens = Math.min(slot.exactTokens, at);
    const last = sequence.contextTokens[at] ?? prompt.at(-1) ?? token;
    const [result] = await this.#turns.run(async () => {
      await sequence.eraseContextTokenRanges([{ start: at, end: at + 1 }]);
      return sequence.controlledEvaluate([
        [
          last,
          {
            generateNext: {
              logits: { filter: { tokens: [token], includeTop: Math.max(1, topLogprobs) } },
              totalLogitWeight: true,
              options: { temperature: 0, topK: 0, topP: 1, minP: 0 },
            },
          },
        ],
      ]);
    });
    const logits = [...(result?.next.logits ?? [])].toSorted((a, b) => b[1] - a[1]);
    const highest = logits[0]?.[1] ?? 0;
    const logOfTotal = Math.log(result?.next.totalLogitWeight ?? 1);
    const all = logits.map(([id, logit]) => ({ token: id, logprob: logit - highest - logOfTotal }));
    return { logprob: all.find((each) => each.token === token)?.logprob, top: all.slice(0, topLogprobs) };
  }
}

function penaltiesOf(sampling: Sampling, punishTokens: () => LlamaToken[]): EvaluateOptions["repeatPenalty"] {
  const { repeatPenalty, frequencyPenalty, presencePenalty, repeatLastTokens } = sampling;
  const none = repeatPenalty === 1 && frequencyPenalty === 0 && presencePenalty === 0;
  if (none || repeatLastTokens === 0) return undefined;
  return {
    punishTokens,
    maxPunishTokens: repeatLastTokens,
    penalty: repeatPenalty,
    frequencyPenalty,
    presencePenalty,
  };
}
