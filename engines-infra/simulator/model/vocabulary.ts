const PLAIN =
  "the a an engine gateway stream token light river stone copper window garden signal quiet narrow early carries opens " +
  "follows holds answers turns between under across after before without always seldom twice slowly water paper engine's " +
  "night morning north harbour bridge letter number question reason open short exact warm seven forty 2026 3.14 and or but then";

// What breaks byte-wise readers, line splitters and JSON escapers: multi-byte text, sequences that only join across
// tokens, quotes, markup that Go escapes, and U+2028 and U+0085, at which careless readers end a line.
const AWKWARD: string[][] = [
  [" naïve"],
  [" Straße"],
  [" 東京"],
  [" مرحبا"],
  [" Ελλάδα"],
  [" cafe", "\u0301"],
  [" n", "\u0303", "andu"],
  [" 🚀"],
  [" 👩", "\u200d", "🔬"],
  [" 🇩", "🇪"],
  [" 𝛑𝛑"],
  [' "quoted"'],
  [" back\\slash"],
  [" <b>", "bold", "</b>"],
  [" R&D"],
  [",", " data:"],
  [".\n"],
  [".\n\n"],
  [":\t"],
  ["\u2028", "line"],
  ["\u0085", "next"],
];

/** Words, each as the tokens that spell it. About one word in four is awkward on purpose. */
export const WORDS: readonly (readonly string[])[] = [
  ...PLAIN.split(" ").map((word) => [` ${word}`]),
  ...AWKWARD,
];
