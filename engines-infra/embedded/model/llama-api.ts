/**
 * The part of node-llama-cpp 3.22 that we use, and how it is loaded: it is no dependency of ours, it is installed on
 * first use into a folder of its own. Reference: https://node-llama-cpp.withcat.ai/api/functions/getLlama
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export type LlamaToken = number;

export type LlamaSequence = {
  readonly contextTokens: LlamaToken[];
  readonly nextTokenIndex: number;
  eraseContextTokenRanges(ranges: Array<{ start: number; end: number }>): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: LlamaToken[]): Promise<void>;
  evaluate(tokens: LlamaToken[], options: EvaluateOptions): AsyncGenerator<LlamaToken, void>;
  controlledEvaluate(
    input: Array<[LlamaToken, { generateNext: object }]>,
  ): Promise<Array<undefined | { next: { logits?: Map<LlamaToken, number>; totalLogitWeight?: number } }>>;
};

export type EvaluateOptions = {
  temperature: number;
  topK: number;
  topP: number;
  minP: number;
  seed: number;
  yieldEogToken: true;
  grammarEvaluationState?: unknown;
  repeatPenalty?: {
    punishTokens: () => LlamaToken[];
    maxPunishTokens: number;
    penalty: number;
    frequencyPenalty: number;
    presencePenalty: number;
  };
  tokenBias?: LlamaTokenBias;
};

export type LlamaTokenBias = { set(token: LlamaToken, bias: "never" | { logit: number }): LlamaTokenBias };

export type LlamaContext = {
  readonly contextSize: number;
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
};

export type LlamaEmbeddingContext = {
  getEmbeddingFor(input: LlamaToken[]): Promise<{ readonly vector: readonly number[] }>;
};

export type LlamaModel = {
  readonly size: number;
  readonly trainContextSize: number;
  readonly embeddingVectorSize: number;
  readonly vocabularyType: string;
  readonly typeDescription: string;
  readonly tokens: {
    readonly bos: LlamaToken | null;
    readonly sep: LlamaToken | null;
    readonly bosString: string | null;
    readonly eosString: string | null;
    readonly shouldPrependBosToken: boolean;
  };
  readonly fileInfo: {
    readonly metadata: {
      readonly general?: { readonly description?: string; readonly name?: string };
      readonly tokenizer?: { readonly chat_template?: string };
    };
    readonly tensorInfo?: ReadonlyArray<{ readonly dimensions: ReadonlyArray<number | bigint> }>;
  };
  tokenize(text: string, specialTokens?: boolean): LlamaToken[];
  detokenize(
    tokens: readonly LlamaToken[],
    specialTokens?: boolean,
    lastTokens?: readonly LlamaToken[],
  ): string;
  isEogToken(token: LlamaToken): boolean;
  iterateAllTokens(): Generator<LlamaToken, void>;
  createContext(options: object): Promise<LlamaContext>;
  createEmbeddingContext(options: object): Promise<LlamaEmbeddingContext>;
  dispose(): Promise<void>;
};

export type LlamaGrammar = object;

export type Llama = {
  loadModel(options: { modelPath: string; loadSignal?: AbortSignal }): Promise<LlamaModel>;
  createGrammar(options: { grammar: string }): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
};

export type LlamaModule = {
  getLlama(options: object): Promise<Llama>;
  getModuleVersion(): Promise<string>;
  LlamaGrammar: new (llama: Llama, options: { grammar: string }) => LlamaGrammar;
  LlamaGrammarEvaluationState: new (options: { model: LlamaModel; grammar: LlamaGrammar }) => unknown;
  TokenBias: { for(model: LlamaModel): LlamaTokenBias };
};

/** Renders Jinja, the language of chat templates: https://github.com/huggingface/huggingface.js/tree/main/packages/jinja */
export type JinjaModule = {
  Template: new (source: string) => { render(variables: Record<string, unknown>): string };
};

export type LlamaRuntime = { module: LlamaModule; jinja: JinjaModule; llama: Llama; version: string };

/** Loads the runtime from `installDir`. Throws where it is missing or does not run on this processor. */
export async function loadRuntime(installDir: string, log: (line: string) => void): Promise<LlamaRuntime> {
  const require = createRequire(join(installDir, "package.json"));
  const load = async (name: string): Promise<unknown> => import(pathToFileURL(require.resolve(name)).href);
  const module = (await load("node-llama-cpp")) as LlamaModule;
  const fromLlama = createRequire(require.resolve("node-llama-cpp"));
  const jinja = (await import(pathToFileURL(fromLlama.resolve("@huggingface/jinja")).href)) as JinjaModule;
  const version = await module.getModuleVersion();
  const llama = await module.getLlama({
    // Only Macs have a GPU in the platform packages that we install.
    gpu: process.platform === "darwin" && process.arch === "arm64" ? "auto" : false,
    build: "never",
    skipDownload: true,
    progressLogs: false,
    // Each context says how many threads it uses; a second limit would only make them wait for each other.
    maxThreads: 0,
    logLevel: "warn",
    logger: (level: string, message: string) => log(`llama.cpp ${level}: ${message.trim()}`),
  });
  return { module, jinja, llama, version };
}
