// The loader's process: it runs one load at a time and stays, so that its own code is warm when it is measured with.
import type { Load } from "./load.ts";
import { runLoad } from "./run-load.ts";

process.on("disconnect", () => process.exit(0));
process.on("message", (load: Load) => void runLoad(load).then((report) => process.send?.(report)));
process.send?.({ ready: true });
