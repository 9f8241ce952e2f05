import type { ServerResponse } from "node:http";
import { isObject, parseJson } from "./model/json.ts";
import type { Simulator } from "./simulator.ts";

/** The control routes under `/__sim/`, which are not counted among what was seen. */
export async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body: Buffer,
  res: ServerResponse,
): Promise<void> {
  const answer = (status: number, value: unknown) => {
    res.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(value)}\n`);
  };
  switch (`${method} ${path}`) {
    case "GET /__sim/seen":
      return answer(200, simulator.seen());
    case "POST /__sim/reset":
      simulator.reset();
      return answer(200, {});
    case "POST /__sim/configure": {
      const changes = parseJson(body.toString());
      if (!isObject(changes)) return answer(400, { error: "The body has to be a JSON object of settings." });
      try {
        await simulator.configure(changes);
      } catch (error) {
        return answer(400, { error: String(error) });
      }
      return answer(200, simulator.settings);
    }
    default:
      return answer(404, { error: "GET /__sim/seen, POST /__sim/reset, POST /__sim/configure" });
  }
}
