import { Ajv } from "ajv";
import type { ChatRequest, FunctionTool } from "../../../shared/contracts/chat.ts";
import { isFunctionCall } from "../../../shared/contracts/chat.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { type Claim, type Outcome, fail, judge, quote, skip } from "../outcome.ts";
import { failed, lacking } from "../trouble.ts";

const TOOL: FunctionTool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", enum: ["Paris", "Lima"] },
        days: { type: "integer", enum: [1, 2] },
      },
      required: ["city", "days"],
      additionalProperties: false,
    },
  },
};
/** The mark at its beginning is for the simulator: it calls where it is told to. */
const ASKED: Partial<ChatRequest> = {
  messages: [{ role: "user", content: "[tool] What is the weather in Paris tomorrow? Call the tool." }],
  tools: [TOOL],
  max_tokens: 200,
};
const validate = new Ajv().compile(TOOL.function.parameters ?? {});

type Called = { readonly id: string; readonly name: string; readonly arguments: string };

/** Tools. Whether a model calls one is its own affair; how the call is told is the engine's. */
export const toolChecks: readonly Check[] = [
  {
    id: "tools",
    title: "calls a tool",
    feature: "tools",
    run: (lab) => calling(lab, "tools", { ...ASKED, tool_choice: "auto" }),
  },
  {
    id: "tool-choice",
    title: "calls the tool that it must call",
    feature: "tool_choice",
    async run(lab) {
      const named = { type: "function" as const, function: { name: "get_weather" } };
      const required = await calling(lab, "tool-choice", { ...ASKED, tool_choice: "required" });
      return required.result === "pass"
        ? calling(lab, "tool-choice-named", { ...ASKED, tool_choice: named })
        : required;
    },
  },
  {
    id: "tool-result",
    title: "takes what a tool answered",
    feature: "tools",
    async run(lab) {
      const call = {
        id: "call_1",
        type: "function" as const,
        function: { name: "get_weather", arguments: '{"city":"Paris","days":1}' },
      };
      const said = await lab.chat("tool-result", {
        messages: [
          { role: "user", content: "What is the weather in Paris?" },
          { role: "assistant", content: null, tool_calls: [call] },
          { role: "tool", tool_call_id: "call_1", content: "Sunny, 21 degrees" },
        ],
        tools: [TOOL],
      });
      if (!said.ok) return lacking(said.error);
      return judge(quote(said.value.choices[0]?.message.content ?? ""), []);
    },
  },
];

async function calling(lab: Lab, name: string, asked: Partial<ChatRequest>): Promise<Outcome> {
  const whole = await lab.chat(name, asked);
  const streamed = await lab.streamChat(`${name}-stream`, asked);
  if (!whole.ok) return lacking(whole.error);
  if (!streamed.ok) return failed(streamed.error);
  const [choice] = whole.value.choices;
  const [pieces] = streamed.value.choices;
  const calls = (choice?.message.tool_calls ?? []).filter(isFunctionCall);
  if (calls.length === 0 && pieces?.calls.length === 0) {
    const said = quote(choice?.message.content ?? "");
    // Some let the model write before its call: then the limit may come first.
    return asked.tool_choice === "auto" || choice?.finish_reason === "length"
      ? skip(`the model calls none: ${said}`)
      : fail(`it must, and calls none (does the model's chat template know tools?): ${said}`);
  }
  const called = calls.map(({ id, function: { name: of, arguments: args } }) => ({
    id,
    name: of,
    arguments: args,
  }));
  const schemed = validate(parsed(called[0]?.arguments ?? "")) ? "" : ", not of its schema";
  return judge(quote(`${called[0]?.name}(${called[0]?.arguments})`) + schemed, [
    ...right(called, choice?.finish_reason),
    ...right(pieces?.calls ?? [], pieces?.finish),
  ]);
}

const right = (calls: readonly Called[], finish: string | undefined): Claim[] => [
  [calls.length > 0, "it calls only whole or only streamed"],
  [
    finish === "tool_calls",
    `ends with ${finish}, not tool_calls${finish === "length" ? ` (${quote(calls[0]?.arguments ?? "")})` : ""}`,
  ],
  ...calls.flatMap(({ id, name, arguments: args }): Claim[] => [
    [id !== "", "a call without an id"],
    [name === TOOL.function.name, `it calls ${quote(name)}`],
    // Whether they are of the schema is the model's affair: only `strict` promises that.
    [parsed(args) !== undefined, `arguments that are no JSON: ${quote(args)}`],
  ]),
];

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
