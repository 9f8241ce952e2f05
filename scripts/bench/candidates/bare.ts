import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Children } from "../children.ts";
import type { Candidate } from "./candidate.ts";
import { serveWorkerd } from "./workerd.ts";

const SCRIPT = "export default { fetch: (request, env) => fetch(env.UPSTREAM, request) };";

// The same compatibility date as the gateway's, so that both run the same runtime.
const config = (upstream: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .bare), (name = "internet", network = (allow = ["local", "private", "public"])) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]);
const bare :Workerd.Worker = (
  modules = [ (name = "bare.js", esModule = embed "bare.js") ],
  compatibilityDate = "2026-10-20",
  bindings = [ (name = "UPSTREAM", text = "${upstream}") ]);
`;

/** Serves the bare pass-through Worker on plain workerd. */
export async function startBare(children: Children, folder: string, enginePort: number): Promise<Candidate> {
  await writeFile(join(folder, "bare.js"), SCRIPT);
  await writeFile(join(folder, "bare.capnp"), config(`http://127.0.0.1:${enginePort}/v1/chat/completions`));
  const { pid, port } = await serveWorkerd(children, [join(folder, "bare.capnp"), "config"], "http");
  return { name: "bare", pid, port, headers: { authorization: "Bearer nobody" }, unused: [] };
}
