/** What the engine process tells its parent over IPC. */
export type EngineMessage =
  | { kind: "listening"; port: number }
  | { kind: "ready"; models: string[] }
  | { kind: "failed"; line: string };
