import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import type { EngineRequest } from "../../shared/engines/engine.ts";
import type { RegistrationPolicy } from "../../shared/engines/registration.ts";
import { addressOf } from "./fleet/endpoint.ts";

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
    send(config, { path, method = "POST", body = "", headers }, signal) {
      const address = addressOf(config, variables);
      return fetch(address.baseUrl + path, {
        method,
        headers: { ...address.headers, ...headers },
        ...(method === "POST" && { body }),
        redirect: "manual",
        signal,
      });
    },
  };
}
