import { hostname } from "node:os";

const SUFFIXES = [".localhost", ".local", ".internal"];
const PRIVATE =
  /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0\.0\.0\.0$|::1?$|f[cd][0-9a-f]{2}:|fe80:)/i;
const LOCAL_ORIGIN =
  /^(https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(:\d+)?|(app|file|tauri|vscode-webview|vscode-file):\/\/.*)$/;

/** Whether an Ollama bound to loopback answers under this Host header; a tunnel's public name is not allowed. */
export function hostAllowed(host: string): boolean {
  const name = host
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  if (name === "" || name === "localhost" || name === hostname().toLowerCase()) return true;
  return SUFFIXES.some((suffix) => name.endsWith(suffix)) || PRIVATE.test(name);
}

/** Whether a request with this Origin header passes: the local ones, and the server's own. */
export function originAllowed(origin: string, host: string): boolean {
  return LOCAL_ORIGIN.test(origin) || origin === `http://${host}` || origin === `https://${host}`;
}
