// A name is [host/][namespace/]model[:tag]: https://github.com/ollama/ollama/blob/main/types/model/name.go

const HOST = "registry.ollama.ai";
const NAMESPACE = "library";
const TAG = "latest";

type Parsed = {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
};

/** A name with what Ollama puts in where it is left out. */
function parse(name: string): Parsed {
  const parts = name.split("/");
  const last = parts.pop() ?? "";
  const colon = last.indexOf(":");
  const [model, tag] = colon < 0 ? [last, TAG] : [last.slice(0, colon), last.slice(colon + 1)];
  const namespace = parts.pop() ?? NAMESPACE;
  return { host: parts.join("/") || HOST, namespace, model, tag };
}

const isDefault = (part: string, usual: string): boolean => part.toLowerCase() === usual;

/** Every way to write what stands before the model, the shortest first. */
function prefixes({ host, namespace }: Parsed): string[] {
  const full = `${host}/${namespace}/`;
  if (!isDefault(host, HOST)) return [full];
  return [...(isDefault(namespace, NAMESPACE) ? [""] : []), `${namespace}/`, full];
}

/**
 * Every name by which Ollama knows a model that it lists as `name`: that one first, then shorter and longer ones, with
 * and without what is usual, and all of them in lower case, for case does not matter there.
 */
export function namesOf(name: string): string[] {
  const parsed = parse(name);
  const tags = [...(isDefault(parsed.tag, TAG) ? [""] : []), `:${parsed.tag}`];
  const spellings = prefixes(parsed).flatMap((prefix) => tags.map((tag) => `${prefix}${parsed.model}${tag}`));
  return [...new Set([name, ...spellings, ...spellings.map((each) => each.toLowerCase())])];
}
