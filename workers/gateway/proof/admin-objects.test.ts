import { describe, expect, it } from "vitest";
import { adminOf, errorOf } from "./admin.ts";
import { chat, post } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "vllm", id: "one", config: { apiKey: "in-clear" } }]);
const admin = adminOf(proof);

type Json = Record<string, unknown>;
const read = async (path: string, method = "GET"): Promise<unknown> => {
  const response = await admin(method, `/admin/objects/${path}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  return response.json();
};

/** The frames of the operators' socket, as they come. */
async function subscribe(key: string) {
  // Node's WebSocket takes headers, which its types do not say.
  const Socket = WebSocket as unknown as new (url: string, options: { headers: Json }) => WebSocket;
  const socket = new Socket(`${proof().url.replace("http", "ws")}/admin/events`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const frames: Json[] = [];
  socket.addEventListener("message", ({ data }) => frames.push(JSON.parse(String(data)) as Json));
  const opened = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true));
    socket.addEventListener("error", () => resolve(false));
  });
  return { opened, frames, close: () => socket.close() };
}

describe("the endpoints inside the objects", () => {
  it("tell operators what each object has", async () => {
    await (await post(proof(), "/v1/chat/completions", chat(modelOf("one"), "Hello"))).text();
    expect(await read("engine/one")).toMatchObject({ circuit: { state: "closed" }, config: { id: "one" } });
    expect(await read("engine/one/state")).toMatchObject({ status: { health: "ready" } });
    expect(await read("fleet/world")).toMatchObject({ engines: [{ config: { id: "one" } }] });
    expect(await read("metrics/world")).toBeTypeOf("object");
    expect(await read("requests/world")).toMatchObject({ requests: expect.any(Number) });
  });

  it("never show a key in clear", async () => {
    const all = [read("engine/one"), read("fleet/world"), read("fleet/world/reload", "POST")];
    expect(JSON.stringify(await Promise.all(all))).not.toContain("in-clear");
  });

  it("do what they are told", async () => {
    expect(await read("engine/one/force-open", "POST")).toMatchObject({ circuit: { state: "open" } });
    await expect
      .poll(() => read("fleet/world/events?engine=one"))
      .toContainEqual(expect.objectContaining({ type: "circuit", engine: "one", to: "open" }));
    expect(await read("fleet/world/events?engine=two")).toEqual([]);
    expect(await read("engine/one/reset", "POST")).toMatchObject({ circuit: { state: "closed" } });
    expect(await read("requests/world/reset", "POST")).toMatchObject({ requests: 0 });
  });

  it.each([
    ["GET", "nothing/world", "of a class that there is not"],
    ["GET", "engine/two", "of an engine that nobody has registered"],
    ["GET", "metrics/moon", "of a name that there is not"],
    ["GET", "engine/One%2Fstate", "of a name that none can have"],
    ["GET", "engine/one/nothing", "without such a path"],
    ["GET", "engine/one/force-open", "by the wrong method"],
    ["POST", "metrics/world/state", "by the wrong method again"],
  ])("are 404: %s %s, %s", async (method, path) => {
    const response = await admin(method, `/admin/objects/${path}`);
    expect(response.status).toBe(404);
    expect((await errorOf(response)).code).toBe("unknown_url");
  });
});

describe("the socket of events", () => {
  it("tells how things are, then what changes, and no key in clear", async () => {
    const { opened, frames, close } = await subscribe(proof().adminKey);
    expect(opened).toBe(true);
    await expect
      .poll(() => frames[0])
      .toMatchObject({ type: "snapshot", engines: [{ config: { id: "one" } }] });
    await read("engine/one/drain", "POST");
    await read("engine/one/resume", "POST");
    await expect
      .poll(() => frames.filter(({ type }) => type === "drain"))
      .toMatchObject([
        { type: "drain", engine: "one", to: "true" },
        { type: "drain", engine: "one", to: "false" },
      ]);
    close();
    expect(JSON.stringify(frames)).not.toContain("in-clear");
  });

  it("is for operators alone", async () => {
    expect((await subscribe(proof().key)).opened).toBe(false);
    expect((await subscribe("sk-eco-none")).opened).toBe(false);
  });

  it("says so where it is asked for as a page", async () => {
    const response = await admin("GET", "/admin/events");
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("WebSocket");
  });
});

describe("operators' routes", () => {
  it.each([
    ["GET", "/admin/objects/engine/one"],
    ["GET", "/admin/objects/engine/one/state"],
    ["POST", "/admin/objects/engine/one/reset"],
    ["POST", "/admin/objects/metrics/world/reset"],
    ["GET", "/admin/events"],
    ["GET", `/admin/requests/req_${"0".repeat(32)}`],
  ])("are for operators alone: %s %s", async (method, path) => {
    const developer = await admin(method, path, undefined, { authorization: `Bearer ${proof().key}` });
    expect(developer.status).toBe(403);
    expect((await errorOf(developer)).code).toBe("insufficient_permissions");
    const nobody = await admin(method, path, undefined, { authorization: "" });
    expect(nobody.status).toBe(401);
    expect((await errorOf(nobody)).code).toBe("missing_api_key");
  });
});
