import { describe, expect, it } from "vitest";
import { EngineConfig } from "../contracts/engine-config.ts";
import { type RegistrationPolicy, checkRegistration } from "./registration.ts";

const config = (more: object = {}): EngineConfig =>
  EngineConfig.parse({ id: "gpu-1", kind: "vllm", baseUrl: "https://gpu-1.example.com/", ...more });
const policy = (more: Partial<RegistrationPolicy> = {}): RegistrationPolicy => ({
  privateAllowed: false,
  hasEgress: false,
  secret: (name) => (name === "KEY_PEPPER" ? "own" : name.startsWith("GPU_") ? "set" : "missing"),
  ...more,
});
const PRIVATE = "http://10.0.0.5:8000";

describe("an engine that can be registered", () => {
  it.each<[string, EngineConfig, RegistrationPolicy]>([
    ["on a public name", config(), policy()],
    ["with secrets", config({ apiKeySecret: "GPU_1_KEY" }), policy()],
    [
      "behind Access",
      config({ access: { clientIdSecret: "GPU_ID", clientSecretSecret: "GPU_SECRET" } }),
      policy(),
    ],
    ["at home", config({ baseUrl: PRIVATE, apiKey: "k" }), policy({ privateAllowed: true })],
    ["by a VPC", config({ baseUrl: PRIVATE, via: "vpc" }), policy({ hasEgress: true })],
  ])("%s", (_, engine, deployment) => {
    const checked = checkRegistration(engine, deployment);
    expect(checked).toEqual({
      ok: true,
      value: { ...engine, baseUrl: engine.baseUrl.replace(/\/$/, "") },
    });
  });
});

describe("an engine that cannot", () => {
  it.each<[string, EngineConfig, RegistrationPolicy, param: string, says: RegExp]>([
    ["a private host", config({ baseUrl: PRIVATE }), policy(), "baseUrl", /private address/],
    [
      "a private host, though there is a VPC that it is not reached by",
      config({ baseUrl: PRIVATE }),
      policy({ hasEgress: true }),
      "baseUrl",
      /via: "vpc"/,
    ],
    [
      "numbers on a private host",
      config({ metricsUrl: `${PRIVATE}/metrics` }),
      policy(),
      "metricsUrl",
      /private address/,
    ],
    ["a VPC that is not there", config({ baseUrl: PRIVATE, via: "vpc" }), policy(), "via", /EGRESS/],
    ["a key in clear", config({ apiKey: "k" }), policy(), "apiKey", /apiKeySecret/],
    [
      "two keys",
      config({ apiKey: "k", apiKeySecret: "GPU_1_KEY" }),
      policy({ privateAllowed: true }),
      "apiKeySecret",
      /one of the two/,
    ],
    [
      "a secret that is not set",
      config({ apiKeySecret: "NO_KEY" }),
      policy(),
      "apiKeySecret",
      /NO_KEY.*wrangler secret put NO_KEY/,
    ],
    [
      "an Access secret that is not set",
      config({ access: { clientIdSecret: "GPU_ID", clientSecretSecret: "NO_SECRET" } }),
      policy(),
      "access.clientSecretSecret",
      /NO_SECRET/,
    ],
    [
      "a secret of the platform's own",
      config({ apiKeySecret: "KEY_PEPPER" }),
      policy({ privateAllowed: true }),
      "apiKeySecret",
      /platform's own/,
    ],
  ])("%s", (_, engine, deployment, param, says) => {
    const checked = checkRegistration(engine, deployment);
    expect(checked).toMatchObject({ ok: false, error: { kind: "invalid_request", param } });
    expect(!checked.ok && "message" in checked.error && checked.error.message).toMatch(says);
  });
});
