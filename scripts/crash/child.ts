// A platform in a process of its own, to be killed: it tells its address, and the keys that it was to make, in one line. Its argument
// is the file that says what it is to be.
import { readFileSync } from "node:fs";
import { createKey, createWorkspace } from "../platform/accounts.ts";
import { endWorkerdWithUs } from "../platform/guard.ts";
import { servePlatform } from "../platform/serve.ts";
import type { Born, Order } from "./order.ts";

endWorkerdWithUs();
const { stateDir, variables, script, keys, pepper } = JSON.parse(
  readFileSync(process.argv[2] ?? "", "utf8"),
) as Order;
const platform = await servePlatform({ port: 0, stateDir, variables, script });
const nowMs = Date.now();
const born: Born = { url: platform.url, keys: [], adminKey: "" };
if (keys > 0) {
  const workspaceId = await createWorkspace(platform.database, "crash", nowMs);
  const make = (role: "developer" | "admin", id?: string) =>
    createKey(platform.database, pepper, { workspaceId, name: role, role, nowMs, ...(id && { id }) });
  born.adminKey = await make("admin");
  for (let at = 0; at < keys; at++) {
    const id = `key_${String(at).padStart(20, "0")}`;
    born.keys.push({ id, secret: await make("developer", id) });
  }
}
console.log(JSON.stringify(born));
