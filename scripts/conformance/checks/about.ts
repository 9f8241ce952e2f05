import type { Check } from "../check.ts";
import { fail, judge, skip } from "../outcome.ts";

const GET = { method: "GET", body: "" } as const;

/** What an engine tells of itself. */
export const aboutChecks: readonly Check[] = [
  {
    id: "models",
    title: "lists its models",
    async run({ adapter, models, wire }) {
      const heard = await wire.send("models", { path: adapter.models.path, ...GET });
      if (heard.status !== 200) return fail(`HTTP ${heard.status} for ${adapter.models.path}`);
      const listed = adapter.models.read(parsed(heard.text));
      // Some servers have no list: their operators say what they serve, and their state is asked for in its place.
      const json = parsed(heard.text);
      const lists = typeof json === "object" && Object.values(json ?? {}).some(Array.isArray);
      if (listed.length === 0 && !lists && adapter.models.path === adapter.health.path)
        return skip("it has no list of its models");
      const names = listed.flatMap((model) => model.names.slice(0, 1));
      const mine = listed.find((model) => model.names.includes(models.chat.names[0] ?? ""));
      const context = mine?.contextLength;
      return judge(`${names.join(", ")}; context ${context === undefined ? "untold" : `${context} tokens`}`, [
        [listed.length > 0, "it lists none"],
        [mine !== undefined, `${models.chat.names[0]} is not among ${names.join(", ")}`],
        [context === undefined || context > 0, `a context of ${context} tokens`],
      ]);
    },
  },
  {
    id: "health",
    title: "says that it is ready",
    async run({ adapter, wire }) {
      const heard = await wire.send("health", { path: adapter.health.path, ...GET });
      const health = adapter.health.read(heard.status, heard.text);
      return judge(`HTTP ${heard.status}`, [
        [health === "ready", `HTTP ${heard.status} is read as ${health}`],
      ]);
    },
  },
  {
    id: "load",
    title: "tells how busy it is",
    async run({ adapter, wire }) {
      if (!adapter.load) return skip("the adapter reads none");
      const heard = await wire.send("load", { path: adapter.load.path, ...GET });
      if (heard.status !== 200)
        return skip(`HTTP ${heard.status} for ${adapter.load.path}: started without?`);
      const load = adapter.load.read(heard.text);
      const told = Object.entries(load).filter(([, value]) => value !== undefined);
      return judge(told.map(([name, value]) => `${name} ${value}`).join(", "), [
        [told.length > 0, "nothing that is read of it is there"],
        [
          told.every(([, value]) => typeof value !== "number" || value >= 0),
          `a negative figure: ${JSON.stringify(load)}`,
        ],
        [load.kvUse === undefined || load.kvUse <= 1, `a share of the cache of ${load.kvUse}`],
      ]);
    },
  },
  {
    id: "key",
    title: "takes no other key",
    async run({ adapter, wire, bodies, speaker }) {
      const encoded = speaker.encode(bodies.text({ max_tokens: 1 }));
      if (!encoded.ok) return fail(encoded.error.kind);
      const headers = { ...encoded.value.headers, authorization: "Bearer a-wrong-key" };
      const heard = await wire.send("wrong-key", { ...encoded.value, headers });
      if (heard.status < 300) return skip("it asks for none");
      const fault = adapter.classify(heard.status, heard.text, undefined);
      return judge(`HTTP ${heard.status}, ${fault.class}`, [
        [fault.class === "failure", `our wrong key is taken for a ${fault.class}`],
      ]);
    },
  },
];

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
