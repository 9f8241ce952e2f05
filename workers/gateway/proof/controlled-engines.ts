import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setInterval } from "node:timers/promises";

/** An engine that can be told what to do with models, and does nothing else. */
export type ControlledEngine = {
  readonly url: string;
  /** What it was told: path, query and body, health and lists left out. */
  readonly told: readonly string[];
  /** What it lists. */
  readonly models: Set<string>;
  /** Resolves when the connection of an order was closed before it was answered. */
  readonly hungUp: Promise<void>;
  stop(): Promise<void>;
};

type Handler = (
  path: string,
  body: Record<string, unknown>,
  response: ServerResponse,
) => Promise<void> | void;

async function start(
  models: Set<string>,
  list: (response: ServerResponse) => void,
  lists: ReadonlySet<string>,
  order: Handler,
): Promise<ControlledEngine> {
  const told: string[] = [];
  const left = Promise.withResolvers<void>();
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const text = Buffer.concat(chunks).toString();
    const path = request.url ?? "";
    if (lists.has(path)) return list(response);
    if (request.method === "GET") return void response.writeHead(200).end("{}");
    told.push(`${path} ${text}`);
    response.on("close", () => {
      if (!response.writableFinished) left.resolve();
    });
    await order(path.replace(/\?.*/, ""), JSON.parse(text || "{}") as Record<string, unknown>, response);
  };
  const server: Server = createServer((request, response) => void receive(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    models,
    hungUp: left.promise,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const json = (response: ServerResponse, status: number, value: unknown): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

/** vLLM with `--enable-lora`, run-time updating allowed, and without its developer mode. */
export function startControlledVllm(base: string): Promise<ControlledEngine> {
  const models = new Set([base]);
  return start(
    models,
    (response) =>
      json(response, 200, {
        object: "list",
        data: [...models].map((id) => ({ id, object: "model", created: 1, owned_by: "vllm" })),
      }),
    new Set(["/v1/models"]),
    (path, { lora_name, lora_path }, response) => {
      const name = String(lora_name);
      if (path === "/v1/load_lora_adapter" && String(lora_path).includes("missing"))
        return json(response, 404, {
          error: { message: `No adapter found for ${name}`, type: "NotFoundError", param: null, code: 404 },
        });
      if (path === "/v1/load_lora_adapter") models.add(name);
      else if (path === "/v1/unload_lora_adapter") models.delete(name);
      else return json(response, 404, { detail: "Not Found" });
      response
        .writeHead(200, { "content-type": "text/plain" })
        .end(`Success: LoRA adapter '${name}' changed.`);
    },
  );
}

/** Ollama: `steady` fetches at once, `broken` breaks off, `unknown` is not in its library, `endless` never ends. */
export function startControlledOllama(): Promise<ControlledEngine> {
  const models = new Set<string>();
  return start(
    models,
    (response) => json(response, 200, { models: [...models].map((name) => ({ name, model: name })) }),
    new Set(["/api/tags"]),
    async (path, { model, keep_alive }, response) => {
      const name = String(model);
      if (path !== "/api/pull")
        return json(response, 200, { model, done: true, done_reason: keep_alive === 0 ? "unload" : "load" });
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      const say = (line: unknown) => response.write(`${JSON.stringify(line)}\n`);
      say({ status: "pulling manifest" });
      if (name === "unknown")
        return void response.end('{"error":"pull model manifest: file does not exist"}\n');
      say({ status: "pulling 8eeb52dfb3bb", digest: "sha256:8e", total: 200, completed: 50 });
      // What was said before still arrives.
      if (name === "broken") return void response.socket?.destroySoon();
      if (name === "endless")
        for await (const _ of setInterval(5)) {
          if (response.destroyed) return;
          say({ status: "pulling 8eeb52dfb3bb", digest: "sha256:8e", total: 200, completed: 51 });
        }
      models.add(name);
      say({ status: "pulling 8eeb52dfb3bb", digest: "sha256:8e", total: 200, completed: 200 });
      response.end('{"status":"success"}\n');
    },
  );
}
