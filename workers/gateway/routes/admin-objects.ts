import type { Context } from "hono";
import type { AppEnv } from "../app-env.ts";
import { failureResponse } from "../http/failure-response.ts";

/** Names that an object can have: those that we give. A name that is made up would make an object. */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * `/admin/objects/{class}/{name}/…`: the admin endpoint inside a Durable Object. What each object offers is in its own
 * router: state, events, probe, force-open, force-close, reset, drain, resume.
 */
export async function adminObject(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "admin";
  const { class: kind = "", name = "" } = c.req.param() as { class?: string; name?: string };
  const object = NAME.test(name) ? await run.ports.objects(kind, name) : undefined;
  const { method, path } = c.req;
  if (!object) return failureResponse(run, { kind: "route_not_found", method, path });
  const rest = path.slice(`/admin/objects/${kind}/${name}`.length) || "/state";
  const { search } = new URL(c.req.url);
  const answer = await object.fetch(`http://object${rest}${search}`, { method });
  const headers = new Headers(answer.headers);
  headers.set("x-request-id", run.id);
  headers.set("cache-control", "no-store");
  return new Response(answer.body, { status: answer.status, headers });
}

/** `GET /admin/events`: a WebSocket on which every change of an engine's circuit, health and drain is told as it happens. */
export async function adminEvents(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  run.operation = "admin";
  if (c.req.raw.headers.get("upgrade")?.toLowerCase() !== "websocket")
    return failureResponse(run, {
      kind: "invalid_request",
      message:
        "This is a WebSocket: connect with ws:// or wss://. Past events: GET /admin/objects/fleet/world/events.",
    });
  const fleet = await run.ports.objects("fleet", "world");
  if (!fleet) return failureResponse(run, { kind: "internal" });
  return fleet.fetch("http://object/subscribe", {
    headers: { upgrade: "websocket" },
  }) as unknown as Promise<Response>;
}
