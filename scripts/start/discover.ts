import type { EngineConfig } from "../../shared/contracts/engine-config.ts";
import type { EngineKind } from "../../shared/engines/engines.ts";

/** Where engines listen unless told otherwise, and what listens there. */
const PLACES: readonly { port: number; id: string; kind: EngineKind }[] = [
  { port: 11434, id: "ollama", kind: "ollama" },
  { port: 8000, id: "vllm", kind: "vllm" },
  { port: 8080, id: "llama-server", kind: "llama-cpp" },
  { port: 30000, id: "sglang", kind: "sglang" },
  { port: 1234, id: "lm-studio", kind: "openai" },
  { port: 23333, id: "lmdeploy", kind: "lmdeploy" },
];

/** Whom engines name as the owner of their models. */
const OWNERS: Readonly<Record<string, EngineKind>> = {
  vllm: "vllm",
  sglang: "sglang",
  lmdeploy: "lmdeploy",
  tensorrt_llm: "tensorrt-llm",
  "deepspeed-mii": "deepspeed",
};

type Asked = { status: number; server: string; json: unknown };

async function ask(url: string, signal: AbortSignal): Promise<Asked | undefined> {
  try {
    const answer = await fetch(url, { signal, redirect: "manual" });
    const text = await answer.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: answer.status, server: answer.headers.get("server") ?? "", json };
  } catch {
    return undefined;
  }
}

const ownerOf = (json: unknown): unknown =>
  (json as { data?: { owned_by?: unknown }[] } | undefined)?.data?.[0]?.owned_by;
const isModelList = (json: unknown): boolean => Array.isArray((json as { data?: unknown } | undefined)?.data);

/** What listens at a place, by what it says of itself; undefined for anything that is no engine. */
async function identify(base: string, signal: AbortSignal): Promise<EngineKind | undefined> {
  const models = await ask(`${base}/v1/models`, signal);
  if (!models) return undefined;
  // A llama-server that is still loading says so on every path.
  if (/llama\.cpp/i.test(models.server) || ownerOf(models.json) === "llamacpp") return "llama-cpp";
  if (models.status !== 200 || !isModelList(models.json)) return undefined;
  const own = OWNERS[String(ownerOf(models.json))];
  if (own) return own;
  const ollama = await ask(`${base}/api/version`, signal);
  if (
    ollama?.status === 200 &&
    typeof (ollama.json as { version?: unknown } | undefined)?.version === "string"
  )
    return "ollama";
  // It lists models as OpenAI does, and is not what the port suggests.
  return "openai";
}

/** Engines that listen on this machine already, in the order of the list. It takes `timeoutMs` at most. */
export async function discoverEngines(timeoutMs: number, ownPort: number): Promise<EngineConfig[]> {
  const signal = AbortSignal.timeout(timeoutMs);
  const found = await Promise.all(
    PLACES.filter(({ port }) => port !== ownPort).map(
      async ({ port, id, kind: guess }): Promise<EngineConfig | undefined> => {
        const baseUrl = `http://127.0.0.1:${port}`;
        const kind = await identify(baseUrl, signal);
        return kind && { id: kind === guess ? id : `${kind}-${port}`, kind, baseUrl };
      },
    ),
  );
  return found.filter((engine) => engine !== undefined);
}
