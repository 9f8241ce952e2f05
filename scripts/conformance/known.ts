import type { EngineKind } from "../../shared/engines/engines.ts";

/**
 * What an engine of a kind is known not to do, and no adapter can mend: such a check is skipped where it fails, with
 * the reason.
 */
export const KNOWN: Partial<Record<EngineKind, Readonly<Record<string, string>>>> = {
  deepspeed: {
    context: "it ends a stream without a word where a prompt is too long",
    "context-completion": "it ends a stream without a word where a prompt is too long",
  },
  "deepspeed-rest": {
    "wrong-type": "it answers every mistake with a 500 that says nothing",
    "context-completion": "it answers every mistake with a 500 that says nothing",
    disconnect: "its answers come whole, and it generates them to their end",
  },
  "deepspeed-native": {
    "context-completion": "it ends a stream without a word where a prompt is too long",
  },
};
