import { type App, createApp } from "./app.ts";
import { bindPorts } from "./bind.ts";

export { EngineObject } from "./objects/engine.ts";
export { FleetObject } from "./objects/fleet.ts";
export { KeyObject } from "./objects/key.ts";
export { MetricsObject } from "./objects/metrics.ts";
export { RequestsObject } from "./objects/requests.ts";
export { ThrottleObject } from "./objects/throttle.ts";

// One app for the isolate's life: it holds caches, and nothing of any request.
let app: App | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp(bindPorts(env));
    const answer = app(request, (work) => context.waitUntil(work));
    // A client that leaves must not end the handler: it has still to write its line.
    context.waitUntil(answer);
    return answer;
  },
} satisfies ExportedHandler<Env>;
