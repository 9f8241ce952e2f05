import { basename } from "node:path";

/** What a model is called in the API: its file's name, for our files and for the user's own. */
export const modelIdOf = (path: string): string =>
  basename(path)
    .replace(/\.(gguf|vectors)$/i, "")
    .toLowerCase();
