import type { D1Database } from "@cloudflare/workers-types";
import { afterAll, afterEach, beforeAll } from "vitest";
import {
  type SeenRequest,
  type SimulatedKind,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../../engines-infra/simulator/index.ts";
import { createKey, createWorkspace } from "../../../scripts/platform/accounts.ts";
import { bundleWorker } from "../../../scripts/platform/bundle.ts";
import { servePlatform } from "../../../scripts/platform/serve.ts";
import { checkedFetch } from "./checked-fetch.ts";
import { openAiChecks } from "./openai-types.ts";
import { type DocumentedAnswer, type OpenApiDocument, documentedAnswers } from "./openapi-answers.ts";

/** An engine of the proof: a simulator, and how the platform is told of it. */
export type EngineSpec = {
  readonly kind: SimulatedKind;
  /** The kind itself unless told. */
  readonly id?: string;
  /** The simulator's settings; its one model is named `sim-<id>` unless told. */
  readonly sim?: Omit<SimulatorOptions, "kind">;
  /** Members of the engine's configuration beside id, kind and base URL. */
  readonly config?: Readonly<Record<string, unknown>>;
};

/** The platform's log lines, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

/** The platform on loopback, in front of simulated engines. */
export type Proof = {
  readonly url: string;
  /** A developer's key. */
  readonly key: string;
  readonly adminKey: string;
  readonly pepper: string;
  readonly workspaceId: string;
  readonly database: D1Database;
  /** The simulators by engine id. */
  readonly sims: Readonly<Record<string, Simulator>>;
  /** Every line that the Worker has written. */
  readonly lines: readonly LogLine[];
  /** What the judges of {@link fetch} found wrong since the last test. */
  readonly violations: string[];
  /** Fetches and judges; see checked-fetch.ts. */
  readonly fetch: typeof fetch;
  sim(id: string): Simulator;
  /** The first line that satisfies the predicate, written or to come; rejects after `deadlineMs`. */
  waitForLine(predicate: (line: LogLine) => boolean, deadlineMs?: number): Promise<LogLine>;
  /** The line of the request that got this answer. */
  lineOf(response: Response): Promise<LogLine>;
  stop(): Promise<void>;
};

/** All kinds that the platform speaks to. */
export const KINDS: readonly SimulatedKind[] = [
  "llama-cpp",
  "lmdeploy",
  "ollama",
  "openai",
  "sglang",
  "tensorrt-llm",
  "tgi",
  "vllm",
];

/** One engine of each kind. vLLM and SGLang serve a Matryoshka model: what it says without one has a case of its own. */
export const ONE_OF_EACH: readonly EngineSpec[] = KINDS.map((kind) =>
  kind === "sglang" || kind === "vllm" ? { kind, sim: { lacks: [] } } : { kind },
);

/** The model that the engine of this id serves. */
export const modelOf = (id: string): string => `sim-${id}`;

/** One failure must not change what the next test sees: retries and circuits have proofs of their own. */
export const STEADY = { retriesMax: 0, circuit: { failuresToOpen: 1000 }, probeIntervalMs: 500 };

/** A hundredth of what passwords cost otherwise: the proofs hash hundreds. What it costs else has a test of its own. */
export const CHEAP_PASSWORDS = { n: 1024, r: 8, p: 1 };

const PEPPER = "pepper for the proofs only";

/** The same for every proof, and made once for all that one process runs: the Worker, its document, and who judges by it. */
const worker = once(() => bundleWorker());
const openai = once(() => openAiChecks());
let documented: Promise<DocumentedAnswer> | undefined;
const documentedBy = (url: string) =>
  (documented ??= fetch(`${url}/openapi.json`).then(async (answer) =>
    documentedAnswers((await answer.json()) as OpenApiDocument),
  ));

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** Starts simulators and the platform, all in memory and on free ports. */
export async function startProof(
  engines: readonly EngineSpec[] = ONE_OF_EACH,
  variables: Readonly<Record<string, string>> = {},
): Promise<Proof> {
  const started = await Promise.all(
    engines.map(async ({ kind, id = kind, sim, config }) => {
      const simulator = await startSimulator({ kind, models: [modelOf(id)], name: id, ...sim });
      return { id, simulator, config: { id, kind, baseUrl: simulator.url, ...STEADY, ...config } };
    }),
  );
  const log = logBook();
  const platform = await servePlatform({
    port: 0,
    script: await worker(),
    variables: {
      KEY_PEPPER: PEPPER,
      RETRY_BASE_MS: "20",
      PASSWORD_COST: JSON.stringify(CHEAP_PASSWORDS),
      ENGINES: JSON.stringify(started.map(({ config }) => config)),
      ...variables,
    },
    onLog: log.write,
  });
  const { url, database } = platform;
  const workspaceId = await createWorkspace(database, "proof", Date.now());
  const keyOf = (role: "developer" | "admin") =>
    createKey(database, PEPPER, { workspaceId, name: role, role, nowMs: Date.now() });
  const [openaiChecks, documentedAnswer, key, adminKey] = await Promise.all([
    openai(),
    documentedBy(url),
    keyOf("developer"),
    keyOf("admin"),
  ]);
  const violations: string[] = [];
  // What llama.cpp says in mid-stream has a number for a code and no param.
  const nativeErrors = (model: string) =>
    started.some(({ id, config: { kind } }) => kind === "llama-cpp" && model === modelOf(id));
  const sims = Object.fromEntries(started.map(({ id, simulator }) => [id, simulator]));
  return {
    url,
    key,
    adminKey,
    pepper: PEPPER,
    workspaceId,
    database,
    sims,
    lines: log.lines,
    violations,
    fetch: checkedFetch({ openai: openaiChecks, documented: documentedAnswer, nativeErrors, violations }),
    sim(id) {
      const simulator = sims[id];
      if (!simulator) throw new Error(`There is no engine '${id}' in this proof`);
      return simulator;
    },
    waitForLine: log.waitFor,
    lineOf: (response) =>
      log.waitFor(
        ({ request, status }) => request === response.headers.get("x-request-id") && status !== undefined,
      ),
    async stop() {
      await platform.stop();
      await Promise.all(started.map(({ simulator }) => simulator.stop()));
    },
  };
}

/** What an engine was asked to generate; its health and its models are asked for at any time besides. */
export const generationsOf = (requests: readonly SeenRequest[]): SeenRequest[] =>
  requests.filter(({ method, path }) => method === "POST" && path !== "/abort_request");

/** A proof for all tests of a file, from whose journals each test starts anew, and which no test may leave violated. */
export function proofForFile(
  engines?: readonly EngineSpec[],
  variables?: Readonly<Record<string, string>>,
): () => Proof {
  let proof: Proof | undefined;
  const current = (): Proof => {
    if (!proof) throw new Error("The proof is only there while tests run");
    return proof;
  };
  beforeAll(async () => {
    proof = await startProof(engines, variables);
  });
  afterEach(() => {
    const wrong = current().violations.splice(0);
    if (wrong.length > 0)
      throw new Error(`${wrong.length} violations, among them:\n${wrong.slice(0, 4).join("\n")}`);
    for (const sim of Object.values(current().sims)) sim.reset();
  });
  afterAll(() => proof?.stop());
  return current;
}

function logBook() {
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  return {
    lines,
    write(text: string) {
      // The runtime has words of its own, for instance about methods that no Worker answers.
      lines.push(text.startsWith("{") ? (JSON.parse(text) as LogLine) : { runtime: text });
      for (const look of waiting) look();
    },
    waitFor(predicate: (line: LogLine) => boolean, deadlineMs = 5_000): Promise<LogLine> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const line = lines.find(predicate);
          if (!line) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(line);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(
            new Error(
              `No such line within ${deadlineMs} ms; the last: ${lines
                .slice(-5)
                .map((line) => JSON.stringify(line))
                .join("\n")}`,
            ),
          );
        }, deadlineMs);
        waiting.add(look);
        look();
      });
    },
  };
}
