import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import type { EngineRequest } from "../../shared/engines/engine.ts";
import { engines as adapters } from "../../shared/engines/engines.ts";
import type { RegistrationPolicy } from "../../shared/engines/registration.ts";

/** How operators' requests reach an engine: with its own credentials, at its registered address and nowhere else. */
export type EngineAccess = {
  readonly policy: RegistrationPolicy;
  /** Sends a request. Rejects where nobody is there; a redirect comes back as what it is. */
  send(
    config: EngineConfig,
    request: Omit<EngineRequest, "body"> & { readonly body?: string },
    signal: AbortSignal,
  ): Promise<Response>;
};

type Dependencies = {
  /** The Worker's environment, secrets among it. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** Names of the platform's own variables and secrets: what is sent to no engine. */
  readonly ownNames: readonly string[];
  readonly privateAllowed: boolean;
  readonly hasEgress: boolean;
  readonly fetch: typeof fetch;
};

/** The headers by which an engine knows the platform. A secret that is not set is an empty one: the engine will refuse it. */
export function credentialsOf(
  { apiKey, apiKeySecret, access }: EngineConfig,
  variables: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const secret = (name: string): string => {
    const value = variables[name];
    return typeof value === "string" ? value : "";
  };
  const key = apiKey ?? (apiKeySecret === undefined ? undefined : secret(apiKeySecret));
  return {
    ...(key && { authorization: `Bearer ${key}` }),
    ...(access && {
      "cf-access-client-id": secret(access.clientIdSecret),
      "cf-access-client-secret": secret(access.clientSecretSecret),
    }),
  };
}

/** Makes the access of this deployment. */
export function createEngineAccess(dependencies: Dependencies): EngineAccess {
  const { variables, ownNames, privateAllowed, hasEgress, fetch } = dependencies;
  return {
    policy: {
      privateAllowed,
      hasEgress,
      secret(name) {
        if (ownNames.includes(name)) return "own";
        const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
        return typeof value === "string" && value !== "" ? "set" : "missing";
      },
    },
    send: (config, { path, method = "POST", body, headers }, signal) =>
      fetch(adapters[config.kind].trimBaseUrl(config.baseUrl) + path, {
        method,
        headers: {
          ...credentialsOf(config, variables),
          ...(body !== undefined && body !== "" && { "content-type": "application/json" }),
          ...headers,
        },
        ...(method === "POST" && { body: body ?? "" }),
        redirect: "manual",
        signal,
      }),
  };
}
