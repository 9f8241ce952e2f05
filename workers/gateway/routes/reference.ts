import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { pagePolicy } from "../../../shared/http/security-headers.ts";
import { idHeaders } from "../http/answer-headers.ts";

type Reference = { readonly json: string; readonly html: string; readonly policy: string };

// Made on the first request for them, not at every start, and kept: they change only with the code.
const made = new Map<string, Reference>();
const ORIGINS_MAX = 8;

/** It has nothing of anybody in it, and changes with a deploy. */
const FRESH = { "cache-control": "no-cache" };

async function reference(origin: string): Promise<Reference> {
  const known = made.get(origin);
  if (known) return known;
  const [{ createOpenApi }, { renderReference }] = await Promise.all([
    import("../openapi.ts"),
    import("../docs/reference-page.ts"),
  ]);
  const document = createOpenApi(origin);
  const html = renderReference(document);
  const style = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? "";
  const both = { json: JSON.stringify(document), html, policy: await pagePolicy(style) };
  // The origin is the caller's Host header: a caller must not fill the memory with it.
  if (made.size < ORIGINS_MAX) made.set(origin, both);
  return both;
}

/** `GET /openapi.json` */
export async function openapiJson(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "reference";
  const { json } = await reference(new URL(c.req.url).origin);
  return new Response(json, {
    headers: { ...idHeaders(run), "content-type": "application/json", ...FRESH },
  });
}

/** `GET /docs`: the same to read, without a script or a byte from elsewhere. */
export async function docs(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "reference";
  const { html, policy } = await reference(new URL(c.req.url).origin);
  return new Response(html, {
    headers: {
      ...idHeaders(run),
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      ...FRESH,
    },
  });
}
