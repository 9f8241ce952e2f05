/** A service in workerd's configuration, as far as it is looked at here. */
type Service = {
  readonly name: string;
  readonly worker?: {
    readonly globalOutbound?: { readonly name: string };
    readonly bindings?: readonly { readonly name: string }[];
  } & Readonly<Record<string, unknown>>;
} & Readonly<Record<string, unknown>>;

/** workerd's configuration, as Miniflare builds it: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
export type WorkerdConfig = {
  readonly services: readonly Service[];
  readonly extensions?: readonly unknown[];
};

/** The one socket of a configuration made here. */
export const SOCKET = "http";

const INTERNET = "internet";
/** What stays of Miniflare: the storage behind D1, KV and Durable Objects, which workerd itself does not have. */
const STORAGE = /^(d1|kv|do):/;
/** The simulators' line to Miniflare for their own logs. Nobody listens on port 9. */
const LOOPBACK = { name: "loopback", external: { address: "127.0.0.1:9", http: {} } };

/**
 * Makes a configuration for plain workerd of one for Miniflare: the Worker on a socket of its own, with its storage, and
 * with the network as its way out. Miniflare puts a Worker of its own there, through which every `fetch` goes and which
 * costs half as much as a bare gateway; in production there is no such thing, and no EGRESS around it. The entry, the
 * cache and the email store go too.
 */
export function plainConfig(config: WorkerdConfig, workerName: string): object {
  const name = `core:user:${workerName}`;
  const own = config.services.find((service) => service.name === name);
  if (!own?.worker) throw new Error(`the configuration has no Worker ${workerName}`);
  const { cacheApiOutbound: _cache, containerEngine: _containers, ...worker } = own.worker;
  const bindings = worker.bindings?.filter(({ name: binding }) => binding !== "EGRESS");
  return {
    services: [
      { ...own, worker: { ...worker, bindings, globalOutbound: { name: INTERNET } } },
      ...config.services.filter((service) => STORAGE.test(service.name)),
      LOOPBACK,
      { name: INTERNET, network: { allow: ["public", "private", "local"] } },
    ],
    sockets: [{ name: SOCKET, address: "127.0.0.1:0", service: { name }, http: {} }],
    extensions: config.extensions ?? [],
  };
}
