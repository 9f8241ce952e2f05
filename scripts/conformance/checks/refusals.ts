import type { ChatRequest } from "../../../shared/contracts/chat.ts";
import type { CompletionRequest } from "../../../shared/contracts/completions.ts";
import type { Feature } from "../../../shared/engines/abilities.ts";
import type { EngineRequest } from "../../../shared/engines/engine.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { judge } from "../outcome.ts";

const TOOL = { type: "function" as const, function: { name: "f", parameters: { type: "object" } } };
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A chat that asks for a feature. */
export const CHAT_SAMPLES: Partial<Record<Feature, Partial<ChatRequest>>> = {
  chat: {},
  images: {
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is this?" },
          { type: "image_url", image_url: { url: PIXEL } },
        ],
      },
    ],
  },
  tools: { tools: [TOOL] },
  tool_choice: { tools: [TOOL], tool_choice: { type: "function", function: { name: "f" } } },
  json_object: { response_format: { type: "json_object" } },
  json_schema: {
    response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
  },
  reasoning: { reasoning_effort: "high" },
  logprobs: { logprobs: true, top_logprobs: 2 },
  several_choices: { n: 2 },
  stop: { stop: ["end"] },
  seed: { seed: 1 },
  logit_bias: { logit_bias: { "7": -100 } },
  penalties: { presence_penalty: 1, frequency_penalty: 1 },
};

/** What a completion may be asked for as well, where an engine has no chats. */
const OF_TEXTS: ReadonlySet<Feature> = new Set(["stop", "seed", "logit_bias", "penalties"]);

type Encoded = Result<EngineRequest, Failure> | undefined;

/** What the adapter makes of a request that asks for a feature; undefined where it has no such operation. */
function encodedWith(feature: Feature, { adapter, call, bodies, speaker }: Lab): Encoded {
  const legacy: CompletionRequest = bodies.completion();
  if (feature === "completion") return adapter.completion.encode(call(legacy));
  if (feature === "embedding") return adapter.embedding?.encode(call({ model: legacy.model, input: "a" }));
  if (feature === "rerank")
    return adapter.rerank?.encode(call({ model: legacy.model, query: "q", documents: ["d"] }));
  if (feature === "continuation") return continued({ adapter, call, bodies });
  // A stream without usage is nothing to refuse: the platform counts there.
  if (feature === "usage_in_streams") return undefined;
  const sample = CHAT_SAMPLES[feature];
  if (!sample) return undefined;
  // Of the two penalties an engine may have one.
  const { presence_penalty: _, ...less } = sample;
  const bodyWith = (fields: Partial<ChatRequest>) =>
    OF_TEXTS.has(feature) ? bodies.text(fields) : bodies.chat(fields);
  const encoded = speaker.encode(bodyWith(sample));
  return encoded.ok ? encoded : speaker.encode(bodyWith(less));
}

function continued({ adapter, call, bodies }: Pick<Lab, "adapter" | "call" | "bodies">): Encoded {
  const written = { text: "Once", tokens: 1 };
  return adapter.abilities.chat === "refused"
    ? adapter.completion.continue?.(call(bodies.completion()), written)
    : adapter.chat.continue?.(call(bodies.chat()), written);
}

/** What is said of the engine's abilities must be what its adapter does. */
export const refusalChecks: readonly Check[] = [
  {
    id: "refusals",
    title: "refuses what it cannot do, and nothing else",
    async run(lab) {
      const abilities = Object.entries(lab.adapter.abilities) as [Feature, string][];
      const refused = abilities.filter(([, by]) => by === "refused").map(([feature]) => feature);
      const served = abilities.filter(([, by]) => by === "engine").map(([feature]) => feature);
      const passed = refused.filter((feature) => encodedWith(feature, lab)?.ok === true);
      const denied = served.filter((feature) => encodedWith(feature, lab)?.ok === false);
      return judge(refused.length === 0 ? "nothing is refused" : refused.join(", "), [
        [passed.length === 0, `sent on all the same: ${passed.join(", ")}`],
        [denied.length === 0, `refused all the same: ${denied.join(", ")}`],
      ]);
    },
  },
];
