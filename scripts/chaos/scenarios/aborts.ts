import type { SeenRequest, SimulatedKind } from "../../../engines-infra/simulator/index.ts";
import { CHAT } from "../ask.ts";
import type { Lab, LabEngine } from "../lab.ts";
import { type Row, quantile } from "../table.ts";

const KINDS: readonly SimulatedKind[] = [
  "llama-cpp",
  "lmdeploy",
  "ollama",
  "openai",
  "sglang",
  "tensorrt-llm",
  "tgi",
  "vllm",
];
const EMBEDDERS: readonly SimulatedKind[] = [
  "llama-cpp",
  "ollama",
  "openai",
  "sglang",
  "tensorrt-llm",
  "vllm",
];
/** Longest time from a client's leaving to the end of its generation. */
const ABORT_MS_MAX = 1_000;
const WAIT_MS = 4_000;

export const ABORT_ENGINES: readonly LabEngine[] = KINDS.map((kind) => ({
  id: `left-${kind}`,
  kind,
  sim: { models: [`left-${kind}`], lacks: [] },
}));

type Asked = { readonly kind: SimulatedKind; readonly path: string; readonly body: object };

const PHASES = [
  { directive: "hang=headers", generates: false, reached: () => true },
  { directive: "first=20000", generates: false, reached: () => true },
  { directive: "gap=20 tokens=3000", generates: true, reached: ({ tokens }: SeenRequest) => tokens > 2 },
] as const;
type Phase = (typeof PHASES)[number];

/** Leaves every endpoint of every kind of engine in every phase, and times how long the engine goes on. */
export async function aborts(lab: Lab): Promise<Row[]> {
  const times: (number | undefined)[] = [];
  for (const phase of PHASES)
    for (const kind of KINDS)
      for (const asked of asksOf(kind, `Leave me [sim ${phase.directive}]`, phase))
        times.push(await timeToAbort(lab, asked, phase));
  const known = times.filter((ms) => ms !== undefined);
  const [p50, max] = [quantile(known, 0.5) ?? 0, quantile(known, 1) ?? 0];
  return [
    {
      what: `${times.length} clients left: endpoint × phase × engine`,
      figures: `${known.length} aborted, p50 ${p50.toFixed(0)} ms, max ${max.toFixed(0)} ms`,
      promise: `all ≤ ${ABORT_MS_MAX} ms`,
      kept: known.length === times.length && max <= ABORT_MS_MAX,
    },
  ];
}

function asksOf(kind: SimulatedKind, content: string, { generates }: Phase): Asked[] {
  const model = `left-${kind}`;
  const messages = [{ role: "user", content }];
  const streams = [true, false].flatMap((stream) => [
    { kind, path: CHAT, body: { model, messages, stream } },
    { kind, path: "/v1/completions", body: { model, prompt: content, stream } },
  ]);
  if (generates || !EMBEDDERS.includes(kind)) return streams;
  return [...streams, { kind, path: "/v1/embeddings", body: { model, input: content } }];
}

/** Milliseconds from a client's leaving to the end of its generation; undefined where that never came. */
async function timeToAbort(lab: Lab, asked: Asked, { reached }: Phase): Promise<number | undefined> {
  const sim = lab.sim(`left-${asked.kind}`);
  sim.reset();
  const leaving = new AbortController();
  const answer = lab.post(asked.path, asked.body, leaving.signal).then((response) => response.text());
  const left = answer.catch(() => undefined);
  const isOurs = ({ method, path }: SeenRequest) => method === "POST" && path !== "/abort_request";
  try {
    await sim.waitFor(({ requests }) => requests.some((each) => isOurs(each) && reached(each)), WAIT_MS);
    const leftMs = performance.timeOrigin + performance.now();
    leaving.abort();
    await left;
    const { requests } = await sim.waitFor(
      (seen) => seen.requests.filter(isOurs).every(({ state }) => state === "aborted"),
      WAIT_MS,
    );
    return Math.max(0, ...requests.filter(isOurs).map(({ endedMs }) => (endedMs ?? Infinity) - leftMs));
  } catch {
    leaving.abort();
    return undefined;
  }
}
