import type { Directives } from "../directives.ts";
import type { Json } from "../model/json.ts";
import type { Settings } from "../settings.ts";
import type { Reply } from "./reply.ts";

/** One request, its directives taken out of the body. */
export type Call = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  /** The JSON body; undefined where there is none or it is not JSON. */
  body: Json | undefined;
  /** Values of the route's `:names`. */
  params: Record<string, string>;
  /** The client has left, and the generation goes on all the same. */
  clientLeft?: true;
};

/** What the server knows about its own work, for metrics and slots. */
export type Load = {
  running: number;
  waiting: number;
  promptTokens: number;
  tokens: number;
  finished: number;
};

/** What a handler may look at. Everything in it is plain data or deterministic. */
export type Context = {
  call: Call;
  settings: Settings;
  directives: Directives;
  nowMs: number;
  /** A number that no other request has: seeds the ids of the answer. */
  serial: number;
  load: Load;
  /** Adds to the prompt tokens that metrics report. */
  countPrompt: (tokens: number) => void;
  /** Ends the runs that match, as an engine's own abort call does; returns how many. */
  cancel: (matches: (call: Call) => boolean) => number;
};

export type Handler = (context: Context) => Reply;

/** A route generates (takes a slot, obeys directives, waits for loading) or only tells. */
export type Route = { handle: Handler; generates: boolean };

/** An engine kind: data and small functions. */
export type EngineKind = {
  id: string;
  /** The port that the real engine listens on by default. */
  port: number;
  defaults: Partial<Settings>;
  /** Headers on every answer. */
  headers: Record<string, string>;
  /** When the status line of a stream leaves: once the request is accepted, or with the first token. */
  headersLeave: "accepted" | "first-token";
  /** Idle keep-alive; 0 for none. */
  keepAliveMs: number;
  /** Requests that one connection may carry; 0 for no limit. */
  requestsPerConnectionMax: number;
  /** `METHOD /path/:name`; `:name*` takes the rest of the path. */
  routes: Record<string, Route>;
  /** Whether and how the request is turned away before its route runs: key, origin, content type, bad JSON. */
  admit: (context: Context, route: Route | undefined) => Reply | undefined;
  notFound: Handler;
  wrongMethod: Handler;
  /** The kind's own error body for a status. */
  error: (status: number, context: Context) => Reply;
  overload: Handler;
  /** What a loading engine does: an answer, or no listening socket at all. */
  loading: Handler | "refuse";
  /** Which routes a loading engine keeps from answering, if it listens at all. */
  loadingBlocks: "all" | "generating";
  /** Whether an engine-side abort says so in the stream (`finish_reason: "abort"`) or just cuts the connection. */
  saysAbort: boolean;
  mayUseCrlf: boolean;
  /** Whether request bodies may come compressed with zstd. */
  takesZstd?: boolean;
  /** Whether the generation goes on after the client has left. */
  survivesDisconnect?: (call: Call) => boolean;
};

/** A route that generates. */
export function generates(handle: Handler): Route {
  return { handle, generates: true };
}

/** A route that only tells something. */
export function tells(handle: Handler): Route {
  return { handle, generates: false };
}

/** The route for a request, `"method"` where only the method is wrong, or undefined. */
export function routeOf(kind: EngineKind, method: string, path: string) {
  let otherMethod = false;
  for (const [pattern, route] of Object.entries(kind.routes)) {
    const [methods = "", template = ""] = pattern.split(" ");
    const params = matchPath(template, path);
    if (!params) continue;
    if (methods.split("|").includes(method)) return { route, params };
    otherMethod = true;
  }
  return otherMethod ? ("method" as const) : undefined;
}

function matchPath(template: string, path: string): Record<string, string> | undefined {
  const names: string[] = [];
  const source = template.replace(/:(\w+)(\*?)/g, (_, name: string, rest: string) => {
    names.push(name);
    return rest ? "(.+)" : "([^/]+)";
  });
  const match = new RegExp(`^${source}$`).exec(path);
  return match ? Object.fromEntries(names.map((name, at) => [name, decode(match[at + 1] ?? "")])) : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
