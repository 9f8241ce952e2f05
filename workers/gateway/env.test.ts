import { describe, expect, it } from "vitest";
import { readConfig } from "./env.ts";

const KEY_PEPPER = "a pepper for tests only";
const read = (baseUrl: string, more: Record<string, string> = {}, engine: object = {}) =>
  readConfig({
    KEY_PEPPER,
    ENGINES: JSON.stringify([{ id: "gpu-1", kind: "vllm", baseUrl, ...engine }]),
    ...more,
  });

describe("the engines of the variable", () => {
  it.each<[baseUrl: string, more: Record<string, string>, engine: object]>([
    ["https://gpu-1.example.com", {}, {}],
    ["http://10.0.0.5:8000", { ALLOW_PRIVATE_ENGINES: "1" }, {}],
    ["http://127.0.0.1:8000", { ALLOW_PRIVATE_ENGINES: "true" }, {}],
    ["http://10.0.0.5:8000", {}, { via: "vpc" }],
  ])("may be at %s with %j %j", (baseUrl, more, engine) => {
    expect(read(baseUrl, more, engine).ENGINES[0]).toMatchObject({ baseUrl });
  });

  it.each<[baseUrl: string, more: Record<string, string>, says: RegExp]>([
    [
      "http://10.0.0.5:8000",
      {},
      /ENGINES: the engine gpu-1: baseUrl is a private address.*ALLOW_PRIVATE_ENGINES/,
    ],
    ["http://127.0.0.1:8000", { ALLOW_PRIVATE_ENGINES: "0" }, /loopback/],
    ["http://169.254.169.254", { ALLOW_PRIVATE_ENGINES: "1" }, /metadata/],
    ["https://u:p@gpu-1.example.com", { ALLOW_PRIVATE_ENGINES: "1" }, /credentials/],
  ])("may not be at %s with %j", (baseUrl, more, says) => {
    expect(() => read(baseUrl, more)).toThrow(says);
  });

  it("may have their numbers nowhere else than they may be themselves", () => {
    const metricsUrl = "http://10.0.0.5:9090/metrics";
    const says = /ENGINES: the engine gpu-1: metricsUrl is a private address/;
    expect(() => read("https://gpu-1.example.com", {}, { metricsUrl })).toThrow(says);
    expect(read("https://gpu-1.example.com", {}, { metricsUrl, via: "vpc" }).ENGINES).toHaveLength(1);
  });
});

describe("the pepper", () => {
  it.each<[more: Record<string, string>, previous: string | undefined, version: number]>([
    [{}, undefined, 1],
    [{ KEY_PEPPER_PREVIOUS: "", KEY_PEPPER_VERSION: "" }, undefined, 1],
    [{ KEY_PEPPER_VERSION: "2" }, undefined, 2],
    [{ KEY_PEPPER_PREVIOUS: "the one of before" }, "the one of before", 1],
    [{ KEY_PEPPER_PREVIOUS: "the one of before", KEY_PEPPER_VERSION: "3" }, "the one of before", 3],
  ])("of before and its number, from %j", (more, previous, version) => {
    const config = readConfig({ KEY_PEPPER, ...more });
    expect(config.KEY_PEPPER_PREVIOUS).toBe(previous);
    expect(config.KEY_PEPPER_VERSION).toBe(version);
  });
});

describe("what a password costs", () => {
  const cost = (PASSWORD_COST?: string) =>
    readConfig({ KEY_PEPPER, ...(PASSWORD_COST && { PASSWORD_COST }) });

  it("is what OWASP asks for, or what is set", () => {
    expect(cost().PASSWORD_COST).toEqual({ n: 16_384, r: 8, p: 5 });
    expect(cost('{"n":32768,"r":8,"p":3}').PASSWORD_COST).toEqual({ n: 32_768, r: 8, p: 3 });
  });

  it.each([
    ['{"n":10000,"r":8,"p":5}', /PASSWORD_COST\.n: must be a power of 2/],
    ['{"n":65536,"r":8,"p":1}', /PASSWORD_COST\.n/],
    ['{"n":512,"r":8,"p":1}', /PASSWORD_COST\.n/],
    ['{"n":16384,"r":8}', /PASSWORD_COST\.p/],
    ["16384", /PASSWORD_COST/],
  ])("is not %s", (setting, says) => {
    expect(() => cost(setting)).toThrow(says);
  });
});
