// The engine's process: it says its port, and its counters when asked. It ends with the bench.
import type { AddressInfo } from "node:net";
import { createEngine } from "./server.ts";

const { server, stats } = createEngine();
process.on("disconnect", () => process.exit(0));
process.on("message", () => process.send?.(stats()));
server.listen(0, "127.0.0.1", 4096, () => process.send?.({ port: (server.address() as AddressInfo).port }));
