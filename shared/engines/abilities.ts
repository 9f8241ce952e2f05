/**
 * Who serves a feature: the engine; the platform in its place (it makes several answers of several requests, cuts at
 * stop texts, counts tokens); or nobody, and whoever asks for it is told so with a 400.
 */
export type Support = "engine" | "gateway" | "refused";

/** What callers ask of engines, in the order of README's table. Samples of each are in `features.ts`. */
export const FEATURES = [
  "chat",
  "completion",
  "embedding",
  "rerank",
  "images",
  "tools",
  "tool_choice",
  "json_object",
  "json_schema",
  "reasoning",
  "logprobs",
  "several_choices",
  "stop",
  "seed",
  "logit_bias",
  "penalties",
  "usage_in_streams",
  "continuation",
] as const;
export type Feature = (typeof FEATURES)[number];

/** What one kind of engine can do. A model or an operator's flags may still lack it: then the engine's own words say so. */
export type Abilities = Readonly<Record<Feature, Support>>;

/** The features that an engine of these abilities serves, or the platform for it, in README's order. */
export const featuresOf = (abilities: Abilities): Feature[] =>
  FEATURES.filter((feature) => abilities[feature] !== "refused");
