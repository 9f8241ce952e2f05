import { describe, expect, it } from "vitest";
import { chat, errorOf, post, readStream } from "./asking.ts";
import { generationsOf, modelOf, proofForFile } from "./harness.ts";

const proof = proofForFile([{ kind: "openai" }, { kind: "vllm" }]);

const CHAT = "/v1/chat/completions";
const tools = [{ type: "custom", custom: { name: "shell", description: "Runs a command" } }];
type Call = { id?: string; type?: string; custom?: { name?: string; input?: string } };
type Whole = { choices: { finish_reason: string; message: { tool_calls: Call[] } }[] };

describe("a tool that takes free text", () => {
  it("is called by a hosted API, whole and streamed alike, and its result goes back", async () => {
    const ask = (more: object) =>
      post(proof(), CHAT, chat(modelOf("openai"), "[tool] How many files?", { tools, ...more }));
    const whole = (await (await ask({})).json()) as Whole;
    const [choice] = whole.choices;
    const [call] = choice?.message.tool_calls ?? [];
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(call).toMatchObject({
      type: "custom",
      custom: { name: "shell", input: expect.stringMatching(/\w/) },
    });

    const streamed = await readStream(await ask({ stream: true }));
    const pieces = streamed.chunks
      .flatMap(({ choices }) => choices)
      .flatMap(({ delta }) => (delta?.tool_calls ?? []) as Call[]);
    expect(pieces[0]).toMatchObject({ type: "custom", custom: { name: "shell" } });
    expect(pieces.map(({ custom }) => custom?.input ?? "").join("")).toBe(call?.custom?.input);
    expect(streamed).toMatchObject({ done: true, finishes: ["tool_calls"] });

    const messages = [
      { role: "user", content: "How many files?" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: call?.id, content: "3" },
    ];
    const answer = await post(proof(), CHAT, { model: modelOf("openai"), messages, tools });
    expect(answer.status).toBe(200);
    expect(generationsOf(proof().sim("openai").seen().requests).at(-1)?.body).toMatchObject({
      messages,
      tools,
    });
  });

  it.each([false, true])(
    "is refused by name where an engine only knows functions: stream %s",
    async (stream) => {
      const response = await post(proof(), CHAT, chat(modelOf("vllm"), "Hello", { tools, stream }));
      expect(response.status).toBe(400);
      expect(await errorOf(response)).toMatchObject({
        code: "unsupported_parameter",
        param: "tools[0].type",
      });
      expect(proof().sim("vllm").seen().accepted).toBe(0);
    },
  );
});
