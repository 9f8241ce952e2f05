import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";

/** `GET /openapi.json`. The document is made on the first request for it, not at every start. */
export async function openapiJson(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.var;
  run.operation = "reference";
  const { createOpenApi } = await import("../openapi.ts");
  return Response.json(createOpenApi(new URL(c.req.url).origin), { headers: { "x-request-id": run.id } });
}

/** `GET /docs`: the same to read, without a script or a byte from elsewhere. */
export async function docs(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.var;
  run.operation = "reference";
  const [{ createOpenApi }, { renderReference }] = await Promise.all([import("../openapi.ts"), import("../docs/reference-page.ts")]);
  const html = renderReference(createOpenApi(new URL(c.req.url).origin));
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "x-request-id": run.id,
    },
  });
}
