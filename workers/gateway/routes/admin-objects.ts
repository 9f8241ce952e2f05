import type { Context } from "hono";
import { noteDeed } from "../admin/audit-entry.ts";
import type { AppEnv } from "../app-env.ts";
import { idHeaders } from "../http/answer-headers.ts";
import { failureResponse } from "../http/failure-response.ts";

/** Most that is written down of what an object was asked for. */
const ACTION_CHARS_MAX = 64;

/** Names that an object can have: those that we give. A name that is made up would make an object. */
const NAME = /^[a-zA-Z0-9][\w.-]{0,62}$/;

/**
 * `/admin/objects/{class}/{name}/{rest}`: the admin endpoint inside a Durable Object. What each object offers is in its own
 * router: state, events, probe, force-open, force-close, reset, drain, resume. Without a rest it is the state.
 */
export async function adminObject(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  const { class: kind = "", name = "", rest = "state" } = c.req.param() as Record<string, string | undefined>;
  const { method, path } = c.req;
  const lost = { kind: "route_not_found", method, path } as const;
  const object = NAME.test(name) ? await run.ports.objects(kind, name) : undefined;
  if (!object) return failureResponse(run, lost);
  const { search } = new URL(c.req.url);
  const inner = rest.split("/").map(encodeURIComponent).join("/");
  const answer = await object.fetch(`http://object/${inner}${search}`, { method });
  if (method === "POST" && answer.status !== 404)
    await noteDeed(run, {
      action: `object.${rest.slice(0, ACTION_CHARS_MAX)}`,
      resource: { type: kind, id: name },
      outcome: answer.ok ? "pass" : answer.status < 500 ? "fail" : "error",
    });
  if (answer.ok)
    return new Response(answer.body, {
      status: answer.status,
      headers: {
        ...idHeaders(run),
        "content-type": answer.headers.get("content-type") ?? "application/json",
      },
    });
  await answer.body?.cancel();
  // An object's own words for it are another format than that of our errors.
  return failureResponse(run, answer.status < 500 ? lost : { kind: "internal" });
}

/** `GET /admin/events`: a WebSocket on which every change of an engine's circuit, health and drain is told as it happens. */
export async function adminEvents(c: Context<AppEnv>): Promise<Response> {
  const { run } = c.env;
  if (c.req.raw.headers.get("upgrade")?.toLowerCase() !== "websocket")
    return failureResponse(run, {
      kind: "invalid_request",
      message:
        "This is a WebSocket: connect with ws:// or wss://. Past events: GET /admin/objects/fleet/world/events.",
    });
  const fleet = await run.ports.objects("fleet", "world");
  if (!fleet) return failureResponse(run, { kind: "internal" });
  const { webSocket } = await fleet.fetch("http://object/subscribe", { headers: { upgrade: "websocket" } });
  return new Response(null, { status: 101, webSocket, headers: idHeaders(run) });
}
