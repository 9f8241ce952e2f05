import type { EngineConfig } from "../../../shared/contracts/engine-config.ts";
import type { EngineAdapter } from "../../../shared/engines/engine.ts";
import { engines as adapters } from "../../../shared/engines/engines.ts";

/** Where requests for an engine go, and what goes with each of them. */
export type Address = {
  readonly adapter: EngineAdapter;
  readonly baseUrl: string;
  /** Sent with every request to it: its own credentials, never the caller's. */
  readonly headers: Readonly<Record<string, string>>;
};

/** The address of an engine. `secrets` are the Worker's own variables, by name. */
export function addressOf(config: EngineConfig, secrets: Readonly<Record<string, unknown>>): Address {
  const adapter = adapters[config.kind];
  const secret = (name: string): string => String(secrets[name] ?? "");
  const key = config.apiKey ?? (config.apiKeySecret ? secret(config.apiKeySecret) : undefined);
  return {
    adapter,
    baseUrl: adapter.trimBaseUrl(config.baseUrl),
    headers: {
      "content-type": "application/json",
      ...(key && { authorization: `Bearer ${key}` }),
      ...(config.access && {
        "cf-access-client-id": secret(config.access.clientIdSecret),
        "cf-access-client-secret": secret(config.access.clientSecretSecret),
      }),
    },
  };
}
