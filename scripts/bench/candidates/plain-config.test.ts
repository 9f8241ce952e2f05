import { describe, expect, it } from "vitest";
import { plainConfig } from "./plain-config.ts";

const MINIFLARE = {
  services: [
    {
      name: "core:user:gateway",
      worker: {
        modules: ["the script"],
        bindings: [{ name: "DB" }, { name: "EGRESS" }],
        globalOutbound: { name: "outbound:0" },
        cacheApiOutbound: { name: "cache:0" },
        containerEngine: { localDocker: {} },
      },
    },
    { name: "outbound:0", worker: {} },
    { name: "cache:0", worker: {} },
    { name: "d1:db", worker: {} },
    { name: "kv:ns:entry", worker: {} },
    { name: "do:storage", disk: { path: "/somewhere" } },
    { name: "loopback", external: { http: {} } },
    { name: "core:entry", worker: {} },
    { name: "internet", network: { tlsOptions: {} } },
    { name: "email:store", worker: {} },
  ],
  sockets: [{ name: "entry" }],
  extensions: ["what the simulators import"],
  structuredLogging: true,
};

describe("a configuration for plain workerd", () => {
  const plain = plainConfig(MINIFLARE, "gateway") as {
    services: { name: string; worker?: object }[];
    sockets: object[];
    extensions: unknown;
  };

  it("keeps the Worker and its storage, and nothing that stands in a request's way", () => {
    expect(plain.services.map(({ name }) => name)).toEqual([
      "core:user:gateway",
      "d1:db",
      "kv:ns:entry",
      "do:storage",
      "loopback",
      "internet",
    ]);
    expect(plain.extensions).toEqual(MINIFLARE.extensions);
  });

  it("leads the Worker's fetch straight to the network", () => {
    expect(plain.services[0]?.worker).toEqual({
      modules: ["the script"],
      bindings: [{ name: "DB" }],
      globalOutbound: { name: "internet" },
    });
  });

  it("has one socket, straight to the Worker, on a port that the system chooses", () => {
    expect(plain.sockets).toEqual([
      { name: "http", address: "127.0.0.1:0", service: { name: "core:user:gateway" }, http: {} },
    ]);
  });
});

it("says so when the Worker is not there", () => {
  expect(() => plainConfig(MINIFLARE, "another")).toThrow("no Worker another");
});
