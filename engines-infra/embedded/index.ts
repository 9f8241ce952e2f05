/** The embedded engine: a language model on the user's own machine with nothing but Node and npm. See README.md. */
export type { AssetProblem, AssetProblemKind } from "./assets/problem.ts";
export type { EngineAssets, EngineObtained, ObtainOptions } from "./assets/obtain.ts";
export { obtainEmbeddedEngine } from "./assets/obtain.ts";
export { createProgressBar } from "./progress/bar.ts";
export type { Progress } from "./progress/progress.ts";
export { quietProgress } from "./progress/progress.ts";
export type { EmbeddedEngine, StartOptions } from "./start.ts";
export { startEmbeddedEngine } from "./start.ts";
export { countEnd } from "./restarts.ts";
