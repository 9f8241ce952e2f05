import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { idHeaders } from "../http/answer-headers.ts";

// Made on the first request for them, not at every start, and kept: they change only with the code.
const made = new Map<string, { json: string; html: string }>();
const ORIGINS_MAX = 8;

async function reference(origin: string): Promise<{ json: string; html: string }> {
  const known = made.get(origin);
  if (known) return known;
  const [{ createOpenApi }, { renderReference }] = await Promise.all([
    import("../openapi.ts"),
    import("../docs/reference-page.ts"),
  ]);
  const document = createOpenApi(origin);
  const both = { json: JSON.stringify(document), html: renderReference(document) };
  // The origin is the caller's Host header: a caller must not fill the memory with it.
  if (made.size < ORIGINS_MAX) made.set(origin, both);
  return both;
}

/** `GET /openapi.json` */
export async function openapiJson(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "reference";
  const { json } = await reference(new URL(c.req.url).origin);
  return new Response(json, { headers: { "content-type": "application/json", ...idHeaders(run) } });
}

/** `GET /docs`: the same to read, without a script or a byte from elsewhere. */
export async function docs(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "reference";
  const { html } = await reference(new URL(c.req.url).origin);
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      ...idHeaders(run),
    },
  });
}
