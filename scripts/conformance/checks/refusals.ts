import type { Feature } from "../../../shared/engines/abilities.ts";
import type { EngineRequest } from "../../../shared/engines/engine.ts";
import { FEATURE_SAMPLES } from "../../../shared/engines/features.ts";
import type { Failure } from "../../../shared/kernel/failure.ts";
import type { Result } from "../../../shared/kernel/result.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { judge } from "../outcome.ts";

/** What the adapter makes of a request; undefined where it has no such operation. */
type Encoded = Result<EngineRequest, Failure> | undefined;

const WRITTEN = { text: "Once", tokens: 1 };

/** A request that asks for a feature, as the adapter encodes it. */
function encodedWith(feature: Feature, { adapter, call, bodies, speaker }: Lab): Encoded {
  const { model } = bodies.completion();
  const chats = adapter.abilities.chat !== "refused";
  if (feature === "completion") return speaker.encode(bodies.completion());
  if (feature === "embedding") return adapter.embedding?.encode(call({ model, input: "a" }));
  if (feature === "rerank") return adapter.rerank?.encode(call({ model, query: "q", documents: ["d"] }));
  if (feature === "continuation")
    return chats
      ? adapter.chat.continue?.(call(bodies.chat()), WRITTEN)
      : adapter.completion.continue?.(call(bodies.completion()), WRITTEN);
  const { fields, inCompletion } = FEATURE_SAMPLES[feature];
  return chats || !inCompletion
    ? speaker.encode(bodies.chat(fields))
    : speaker.encode(bodies.completion(inCompletion));
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
