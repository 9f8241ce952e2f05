import type { EngineConfig } from "../contracts/engine-config.ts";
import type { Failure } from "../kernel/failure.ts";
import { type Result, err, ok } from "../kernel/result.ts";
import { checkEngineUrls } from "./base-url.ts";
import { engines } from "./engines.ts";

/** What a deployment has and allows. */
export type RegistrationPolicy = {
  /** Whether engines on private networks, and keys in clear, are allowed: on one's own machine. */
  readonly privateAllowed: boolean;
  /** Whether there is a binding EGRESS, by which `via: "vpc"` goes. */
  readonly hasEgress: boolean;
  /** Whether a secret of this name is set; `own` for one of the platform itself, which no engine is ever sent. */
  secret(name: string): "set" | "missing" | "own";
};

/**
 * Whether an engine can be registered with this deployment. Its base URL comes back in its normal form; the failure
 * names the field at fault.
 */
export function checkRegistration(
  config: EngineConfig,
  policy: RegistrationPolicy,
): Result<EngineConfig, Failure> {
  if (config.via === "vpc" && !policy.hasEgress)
    return refuse("via", "needs the binding EGRESS, a VPC service or tunnel, which this deployment has not");
  const baseUrl = checkEngineUrls(config, policy);
  if (!baseUrl.ok) return refuse(baseUrl.error.field, baseUrl.error.why);
  if (engines[config.kind].models.listsNone && !config.models)
    return refuse("models", "has to name what it serves: an engine of this kind has no list of models");
  if (config.apiKey !== undefined && config.apiKeySecret !== undefined)
    return refuse("apiKeySecret", "is given beside `apiKey`: give one of the two");
  if (config.apiKey !== undefined && !policy.privateAllowed)
    return refuse("apiKey", "is not kept in clear here: store it as a secret, and name it in `apiKeySecret`");
  return checkSecrets(config, policy) ?? ok({ ...config, baseUrl: baseUrl.value });
}

function checkSecrets(config: EngineConfig, policy: RegistrationPolicy) {
  const { apiKeySecret, access } = config;
  const named = {
    apiKeySecret,
    "access.clientIdSecret": access?.clientIdSecret,
    "access.clientSecretSecret": access?.clientSecretSecret,
  };
  for (const [field, name] of Object.entries(named)) {
    if (name === undefined) continue;
    const state = policy.secret(name);
    if (state === "own")
      return refuse(field, `names ${name}, which is the platform's own and sent to no engine`);
    if (state === "missing")
      return refuse(field, `names ${name}, which is not set: \`wrangler secret put ${name}\``);
  }
  return undefined;
}

const refuse = (param: string, message: string) =>
  err({ kind: "invalid_request", param, message: `\`${param}\`: ${message}.` } as const);
