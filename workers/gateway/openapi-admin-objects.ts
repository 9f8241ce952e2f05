import { z } from "@hono/zod-openapi";
import { ExplainedRequest } from "../../shared/contracts/request-record.ts";
import { good, of, READ, route } from "./openapi-admin-route.ts";

const place = {
  class: z.enum(["engine", "fleet", "key", "metrics", "requests"]).openapi({ description: "What it keeps." }),
  name: z.string().openapi({
    description: "The id of the engine, key or workspace; `world` for the others, of which there is one.",
    example: "world",
  }),
};
const rest = z.string().openapi({ description: "What is asked of it.", example: "state" });
const Told = z.union([z.looseObject({}), z.array(z.looseObject({}))]);

const OBJECTS = [
  route(
    "get",
    "/admin/objects/{class}/{name}",
    "Show the state of an object",
    { params: z.object(place) },
    {
      ...good("Its state, as it is inside; it may change with any release.", Told),
      ...of(...READ, 404),
    },
  ),
  route(
    "get",
    "/admin/objects/{class}/{name}/{rest}",
    "Read what an object has",
    { params: z.object({ ...place, rest }) },
    { ...good("What it has.", Told), ...of(...READ, 404) },
    "Each has `state`. The fleet has `events` as well: the latest thousand, of one engine with `?engine=`.",
  ),
  route(
    "post",
    "/admin/objects/{class}/{name}/{rest}",
    "Tell an object what to do",
    { params: z.object({ ...place, rest: rest.openapi({ example: "reset" }) }) },
    { ...good("It is done; this is its state now.", Told), ...of(...READ, 404) },
    "An engine: `probe` (look at it now), `force-open` and `force-close` (its circuit, until `reset`), `drain`, `resume`. The fleet: `reload`. A key, or a workspace with limits: `flush` (write what was used to the database), `reset` (its limits begin anew; what was used stays). Metrics and requests: `reset`.",
  ),
];

const EVENTS = route(
  "get",
  "/admin/events",
  "Follow the engines",
  undefined,
  {
    101: { description: "A WebSocket. Each message is JSON." },
    ...of(...READ, 400),
  },
  "The first message has `type` `snapshot` and everything that is known of the engines. Each further one is a change as it happens: `atMs`, `engine`, `type` (`circuit`, `health`, `drain`), `from`, `to`, and perhaps a `reason`.",
);

const REQUESTS = route(
  "get",
  "/admin/requests/{id}",
  "Explain a request",
  {
    params: z.object({
      id: z.string().openapi({
        description: "The request's id, from its answer's `x-request-id`.",
        example: "req_0f8fad5bd9cb469fa16570867728950e",
      }),
    }),
  },
  { ...good("What became of it: the same as its line in the log.", ExplainedRequest), ...of(...READ, 404) },
  "The latest 10,000 requests are known, each a few seconds after its answer has ended. Nothing of what was asked or answered is kept.",
);

/** The part of the description that explains what happens inside. */
export const INSIDE_OPERATIONS = [REQUESTS, EVENTS, ...OBJECTS];
