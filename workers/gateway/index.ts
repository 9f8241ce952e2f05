import { createApp } from "./app.ts";
import { bindPorts } from "./bind.ts";

export { MetricsObject } from "./objects/metrics.ts";

// One app for the isolate's life: it holds caches, and nothing of any request.
let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request, env, context) {
    app ??= createApp(bindPorts(env));
    const answer = app.fetch(request, env, context);
    // A client that leaves must not end the handler: it has still to stop the engine and write its line.
    if (answer instanceof Promise) context.waitUntil(answer);
    return answer;
  },
} satisfies ExportedHandler<Env>;
