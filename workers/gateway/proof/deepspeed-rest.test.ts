import { describe, expect, it } from "vitest";
import { generate } from "../../../engines-infra/simulator/model/generate.ts";
import { errorOf, post, readStream } from "./asking.ts";
import { modelOf, proofForFile } from "./harness.ts";

const id = "deepspeed-rest";
const proof = proofForFile([{ kind: id, config: { models: [modelOf(id)] } }]);
const ask = (prompt: unknown, more: object = {}) =>
  post(proof(), "/v1/completions", { model: modelOf(id), prompt, max_tokens: 500, ...more });
const said = (prompt: string) => generate("", prompt).join("");

describe("a completion of DeepSpeed-MII's RESTful API", () => {
  it("comes whole, several prompts in their order, with the engine's own usage", async () => {
    const response = await ask(["Once", "Twice"]);
    const answer = await response.json();
    expect(answer).toMatchObject({
      choices: [{ text: said("Once"), finish_reason: "stop" }, { text: said("Twice") }],
    });
    expect((answer as { usage: object }).usage).not.toHaveProperty("estimated");
  });
  it("comes as a stream of one piece, with the engine's own usage", async () => {
    const heard = await readStream(
      await ask("Once", { stream: true, stream_options: { include_usage: true } }),
    );
    expect(heard).toMatchObject({ text: said("Once"), finishes: ["stop"], done: true });
    expect(heard.usage).not.toHaveProperty("estimated");
  });
  it("ends where a stop text begins", async () => {
    const stop = said("Once").slice(10, 16);
    const answer = await (await ask("Once", { stop })).json();
    expect(answer).toMatchObject({
      choices: [{ text: said("Once").slice(0, said("Once").indexOf(stop)), finish_reason: "stop" }],
    });
  });
  it.each(["die=2", "fin=2", "cutin=1", "error=2", "html", "status=500"])(
    "is an error that names the engine where it fails (%s)",
    async (fault) => {
      for (const stream of [true, false]) {
        const response = await ask(`Once [sim tokens=6 ${fault}]`, { stream });
        expect([502, 503]).toContain(response.status);
        expect((await errorOf(response)).message).toContain(id);
      }
    },
  );
});
