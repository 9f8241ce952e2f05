import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "./admin.ts";
import { chat, errorOf, post } from "./asking.ts";
import { type Canary, sendRaw, startCanary, startServer } from "./canary.ts";
import { type Proof, modelOf, startProof } from "./harness.ts";

// No caller can choose a host: whatever a request holds, the platform connects to registered engines alone.

const CHAT = "/v1/chat/completions";
let canary: Canary;
let redirector: Awaited<ReturnType<typeof startServer>>;
let proof: Proof;
/** How the redirecting engine answers a generation: the status, and the header that points away. */
let away: { status: number; headers: Record<string, string> } = { status: 307, headers: {} };

beforeAll(async () => {
  canary = await startCanary();
  redirector = await startServer((request, response) => {
    const isList = request.url === "/v1/models";
    if (isList || request.method === "GET")
      return void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ object: "list", data: [{ id: "elsewhere", object: "model" }] }));
    return void response
      .writeHead(away.status, { "content-type": "application/json", ...away.headers })
      .end("{}");
  });
  proof = await startProof([
    { kind: "openai" },
    { kind: "ollama" },
    { kind: "vllm" },
    { kind: "llama-cpp" },
    { kind: "openai", id: "redirector", config: { baseUrl: redirector.url } },
  ]);
  await proof.fetch(`${proof.url}/ready`);
});
afterEach(() => {
  expectNobodyElse();
  // Answers to requests like these are judged elsewhere.
  proof.violations.splice(0);
  for (const sim of Object.values(proof.sims)) sim.reset();
});
afterAll(async () => {
  await proof?.stop();
  await Promise.all([redirector?.stop(), canary?.stop()]);
});

/** What the platform asks of engines, and nothing else. */
const PATHS =
  /^\/(health|metrics|slots|props|api\/(version|tags|chat|generate|embed|show|ps)|(v1\/)?(models|chat\/completions|completions|embeddings|rerank))$/;

/** Nobody was called but the engines, at their own addresses, by their own names. */
function expectNobodyElse(): void {
  expect(canary.connections()).toBe(0);
  for (const sim of Object.values(proof.sims))
    for (const { path, headers } of sim.seen().requests) {
      expect(path).toMatch(PATHS);
      expect(headers.host).toBe(new URL(sim.url).host);
      expect(JSON.stringify(headers)).not.toContain(canary.host);
    }
}

const KINDS = ["openai", "ollama", "vllm", "llama-cpp"] as const;
const target = () => `http://${canary.host}`;

/** All spellings by which a text may be taken for an address. */
const disguises = (): string[] => {
  const { host, port } = canary;
  return [
    target(),
    `${target()}/v1`,
    `//${host}`,
    `\\\\${host}\\share`,
    `/${host}`,
    host,
    `@${host}/`,
    `:80@${host}/`,
    `http://2130706433:${port}/`,
    `http://0x7f000001:${port}/`,
    `http://0177.0.0.1:${port}/`,
    `http://127.1:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://localhost:${port}/`,
    `http:${host}`,
    `gopher://${host}/_GET`,
    `file://${host}/etc/passwd`,
    `../../../${host}`,
    `..%2f..%2f%2f${host}`,
    `#@${host}/`,
    `?@${host}/`,
    `x\r\nhost: ${host}\r\n`,
    `x\u2028host: ${host}`,
    `\u0000${host}`,
  ];
};

it("is watched by a canary that would see it", async () => {
  const other = await startCanary();
  await fetch(`http://${other.host}/`);
  expect(other.connections()).toBe(1);
  await other.stop();
});

describe("a caller cannot choose a host", () => {
  it("by the name of a model", async () => {
    const names = disguises().flatMap((name) => [
      name,
      modelOf("openai") + name,
      `${name}/${modelOf("openai")}`,
    ]);
    for (const model of names) {
      for (const [path, body] of [
        [CHAT, chat(model, "Hello")],
        [CHAT, chat(model, "Hello", { stream: true })],
        ["/v1/completions", { model, prompt: "Hello" }],
        ["/v1/embeddings", { model, input: "Hello" }],
        ["/v1/rerank", { model, query: "Hello", documents: ["a"] }],
      ] as const) {
        const response = await post(proof, path, body);
        expect([400, 404]).toContain(response.status);
        await response.text();
      }
    }
    for (const sim of Object.values(proof.sims)) expect(sim.seen().accepted).toBe(0);
  }, 120_000);

  it("by the path of a model", async () => {
    for (const name of disguises()) {
      for (const path of [`/v1/models/${encodeURIComponent(name)}`, `/v1/models/${encodeURI(name)}`]) {
        const response = await proof.fetch(proof.url + path, {
          headers: { authorization: `Bearer ${proof.key}` },
        });
        expect([200, 400, 404]).toContain(response.status);
        await response.text();
      }
    }
  });

  const FIELDS = [
    "base_url",
    "baseUrl",
    "baseURL",
    "api_base",
    "api_url",
    "endpoint",
    "url",
    "uri",
    "host",
    "hostname",
    "server",
    "proxy",
    "engine",
    "target",
    "upstream",
    "backend",
    "provider",
    "route",
    "redirect",
    "callback",
    "callback_url",
    "webhook",
    "webhook_url",
    "notify_url",
    "extra_body",
    "extra_headers",
    "metadata",
    "user",
    "kv_transfer_params",
    "ec_transfer_params",
    "lora_path",
    "lora_request",
    "bootstrap_host",
    "bootstrap_port",
    "mm_processor_kwargs",
    "media_io_kwargs",
    "chat_template",
    "tokenizer",
    "draft_model",
    "__proto__",
    "constructor",
  ];

  it.each(KINDS)(
    "by any field of a body, with an engine of kind %s",
    async (kind) => {
      for (const field of FIELDS)
        for (const value of [
          target(),
          { base_url: target(), host: canary.host, url: target() },
          [target()],
        ]) {
          const body = JSON.stringify(chat(modelOf(kind), "Hello", { max_tokens: 2 }));
          const text = `${body.slice(0, -1)},${JSON.stringify(field)}:${JSON.stringify(value)}}`;
          await (await post(proof, CHAT, text)).text();
        }
      // What the platform does not know goes to the engine, and no further.
      expect(proof.sim(kind).seen().accepted).toBeGreaterThan(0);
      expectNobodyElse();
    },
    120_000,
  );

  it.each(KINDS)(
    "by content or a schema that points away, with an engine of kind %s",
    async (kind) => {
      const url = `${target()}/image.png`;
      const parts = [
        { type: "image_url", image_url: { url } },
        { type: "image_url", image_url: { url: `file://${canary.host}/a.png` } },
        { type: "image_url", image_url: { url: `data:text/html,<img src=${url}>` } },
        { type: "input_audio", input_audio: { data: url, format: "wav" } },
        { type: "file", file: { file_data: url, filename: url } },
        { type: "file", file: { file_id: url } },
        { type: "video_url", video_url: { url } },
        { type: "text", text: `![](${url}) <img src="${url}">` },
      ];
      const schema = {
        $schema: `${target()}/schema`,
        $id: target(),
        type: "object",
        properties: { a: { $ref: `${target()}/a.json` } },
      };
      const bodies = [
        ...parts.map((part) => ({ messages: [{ role: "user", content: [part] }] })),
        { response_format: { type: "json_schema", json_schema: { name: "a", schema } } },
        { tools: [{ type: "function", function: { name: "f", parameters: schema } }] },
        { tools: [{ type: "mcp", server_label: "a", server_url: target() }] },
        { tools: [{ type: "web_search", user_location: target() }] },
        { web_search_options: { search_context_size: target() } },
        { prediction: { type: "content", content: target() } },
      ];
      for (const more of bodies)
        for (const stream of [false, true]) {
          const body = { ...chat(modelOf(kind), "Hello", { max_tokens: 2 }), ...more, stream };
          await (await post(proof, CHAT, body)).text();
        }
      expect(proof.sim(kind).seen().accepted).toBeGreaterThan(0);
      expectNobodyElse();
    },
    120_000,
  );

  const HEADERS = [
    "x-forwarded-host",
    "x-forwarded-server",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
    "x-http-host-override",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-worker",
    "forwarded",
    "via",
    "origin",
    "referer",
    "destination",
    "location",
    "content-location",
    "link",
    "refresh",
    "proxy",
    "proxy-authorization",
    "x-proxy-url",
    "x-envoy-original-dst-host",
    "x-upstream",
    "x-backend",
    "x-base-url",
    "x-api-base",
    "x-engine",
    "x-engine-url",
    "x-eco-engine",
    "x-eco-base-url",
    "x-eco-keep-alive",
    "x-stainless-base-url",
    "openai-base-url",
    "openai-organization",
    "openai-project",
    "x-request-id",
    "x-conversation-id",
    "x-http-method-override",
    "x-method-override",
    "traceparent",
    "baggage",
    "cookie",
    "user-agent",
    "idempotency-key",
    "callback",
    "webhook-url",
    "sec-websocket-protocol",
  ];

  it("by any header", async () => {
    for (const name of HEADERS)
      for (const value of [canary.host, target(), `for=1.1.1.1;host="${canary.host}"`]) {
        const body = JSON.stringify(chat(modelOf("openai"), "Hello", { max_tokens: 2 }));
        const response = await sendRaw(
          proof.url,
          `POST ${CHAT} HTTP/1.1\r\nhost: gateway.example\r\nconnection: close\r\nauthorization: Bearer ${proof.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n${name}: ${value}\r\n\r\n${body}`,
        );
        expect(response, name).toMatch(/^HTTP\/1\.1 (200|400|4\d\d)/);
      }
  }, 120_000);

  it("by the request line or the header Host", async () => {
    const { host } = canary;
    const lines = [
      `GET ${target()}/v1/models HTTP/1.1`,
      `GET ${target()}/ HTTP/1.1`,
      `GET //${host}/v1/models HTTP/1.1`,
      `GET /\\${host}/v1/models HTTP/1.1`,
      `GET @${host}/ HTTP/1.1`,
      `GET ..//${host}/ HTTP/1.1`,
      `GET /v1/models/../../..//${host}/ HTTP/1.1`,
      `GET /v1/models?base_url=${encodeURIComponent(target())}&url=${target()}&host=${host} HTTP/1.1`,
      `GET /v1/models#@${host} HTTP/1.1`,
      `GET /v1/models/http://${host}/ HTTP/1.1`,
      `GET /docs?server=${target()} HTTP/1.1`,
      `GET /openapi.json?url=${target()} HTTP/1.1`,
      `CONNECT ${host} HTTP/1.1`,
      `CONNECT ${host}:443 HTTP/1.1`,
      `OPTIONS * HTTP/1.1`,
      `TRACE /v1/models HTTP/1.1`,
      `PROPFIND /v1/models HTTP/1.1`,
      `GET /v1/models HTTP/1.1\r\nx: y\r\nhost: ${host}`,
      `GET /v1/models HTTP/1.1\r\nhost : ${host}`,
      `GET /v1/models HTTP/1.1\r\n host: ${host}`,
      `GET /v1/models HTTP/1.0`,
    ];
    for (const line of lines)
      for (const said of [host, "gateway.example", `gateway.example@${host}`, `${host}#`, ""])
        await sendRaw(
          proof.url,
          `${line}\r\nhost: ${said}\r\nconnection: close\r\nauthorization: Bearer ${proof.key}\r\n\r\n`,
        );
    expectNobodyElse();
  }, 120_000);

  it("by a second request hidden in the first", async () => {
    const hidden = `GET / HTTP/1.1\r\nhost: ${canary.host}\r\n\r\n`;
    const head = `POST ${CHAT} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer ${proof.key}\r\ncontent-type: application/json\r\n`;
    for (const bytes of [
      `${head}content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `${head}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${hidden}`,
      `${head}transfer-encoding: xchunked\r\n\r\n${hidden}`,
      `${head}content-length: 0\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`,
      `${head}x: y\n\n${hidden}`,
    ])
      await sendRaw(proof.url, bytes);
    expectNobodyElse();
  });

  it("who is no operator, by registering an engine", async () => {
    const ask = adminOf(() => proof);
    const response = await ask(
      "POST",
      "/admin/engines",
      { id: "mine", kind: "openai", baseUrl: target() },
      { authorization: `Bearer ${proof.key}` },
    );
    expect(response.status).toBe(403);
  });
});

describe("an engine cannot choose one either", () => {
  it.each([301, 302, 303, 307, 308])("by a redirect: %i", async (status) => {
    away = { status, headers: { location: `${target()}${CHAT}` } };
    for (const stream of [false, true]) {
      const response = await post(proof, CHAT, chat("elsewhere", "Hello", { stream }));
      expect(response.status).toBe(502);
      expect((await errorOf(response)).message).toContain("redirect");
    }
  });

  it.each(["location", "refresh", "link", "alt-svc", "content-location"])(
    "by the header %s beside an answer",
    async (name) => {
      const value: Record<string, string> = {
        link: `<${target()}/x>; rel=preload`,
        refresh: `0; url=${target()}`,
        "alt-svc": `h2="${canary.host}"; ma=3600`,
      };
      away = { status: 200, headers: { [name]: value[name] ?? target() } };
      const response = await post(proof, CHAT, chat("elsewhere", "Hello"));
      expect(await response.text()).not.toContain(canary.host);
      expect(JSON.stringify([...response.headers])).not.toContain(canary.host);
    },
  );
});
