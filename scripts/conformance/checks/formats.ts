import { Ajv } from "ajv";
import type { ResponseFormat } from "../../../shared/contracts/chat.ts";
import type { Check } from "../check.ts";
import type { Lab } from "../lab.ts";
import { type Claim, fail, judge, quote, skip } from "../outcome.ts";
import { lacking } from "../trouble.ts";
import { cutEverywhere } from "./chat.ts";

/** Of this schema even a model that knows nothing writes a whole value: there is nothing in it without an end. */
const SCHEMA = {
  type: "object",
  properties: {
    mood: { type: "string", enum: ["calm", "wild"] },
    depth: { type: "integer", enum: [1, 2, 3] },
    clear: { type: "boolean" },
    banks: {
      type: "array",
      items: { type: "string", enum: ["left", "right"] },
      minItems: 2,
      maxItems: 2,
    },
  },
  required: ["mood", "depth", "clear", "banks"],
  additionalProperties: false,
};
/** Characters of two, three and four bytes, and one of several code points. */
const WIDE = "é 水 🌊 👩‍🚀";
const WIDE_SCHEMA = {
  type: "object",
  properties: { text: { type: "string", enum: [WIDE] } },
  required: ["text"],
  additionalProperties: false,
};
const TOKENS_MAX = 300;

const formatOf = (schema: Record<string, unknown>): ResponseFormat => ({
  type: "json_schema",
  json_schema: { name: "river", schema, strict: true },
});

/** Answers of a form. */
export const formatChecks: readonly Check[] = [
  {
    id: "json-object",
    title: "answers with JSON",
    feature: "json_object",
    async run(lab) {
      const said = await lab.chat("json-object", {
        messages: [{ role: "user", content: "Describe a river as JSON with the members name and length." }],
        response_format: { type: "json_object" },
        max_tokens: TOKENS_MAX,
      });
      if (!said.ok) return lacking(said.error);
      const [choice] = said.value.choices;
      const text = choice?.message.content ?? "";
      if (choice?.finish_reason === "length")
        return /^\s*\{/.test(text)
          ? skip(`the model found no end in ${TOKENS_MAX} tokens`)
          : fail(`no JSON: ${quote(text)}`);
      return judge(quote(text), [[isObject(parsed(text)), `no JSON object: ${quote(text)}`]]);
    },
  },
  {
    id: "json-schema",
    title: "answers with JSON of a schema",
    feature: "json_schema",
    async run(lab) {
      const asked = {
        messages: [{ role: "user" as const, content: "Describe a river as JSON." }],
        response_format: formatOf(SCHEMA),
        max_tokens: TOKENS_MAX,
      };
      const whole = await lab.chat("json-schema", asked);
      const streamed = await lab.streamChat("json-schema-stream", asked);
      if (!whole.ok) return lacking(whole.error);
      if (!streamed.ok) return lacking(streamed.error);
      const [choice] = whole.value.choices;
      const [pieces] = streamed.value.choices;
      const text = choice?.message.content ?? "";
      return judge(quote(text), [
        ...valid(text),
        ...valid(pieces?.content ?? ""),
        [choice?.finish_reason === "stop", `ends with ${choice?.finish_reason}, not stop`],
      ]);
    },
  },
  {
    id: "wide",
    title: "says characters of several bytes whole",
    feature: "json_schema",
    run: wide,
  },
];

async function wide(lab: Lab) {
  const said = await lab.streamChat("wide", {
    messages: [{ role: "user", content: `Say as JSON: ${WIDE}` }],
    response_format: formatOf(WIDE_SCHEMA),
    max_tokens: TOKENS_MAX,
  });
  if (!said.ok) return lacking(said.error);
  const content = said.value.choices[0]?.content ?? "";
  const value = parsed(content);
  const cut = cutEverywhere(lab, said.value.bytes);
  return judge(quote(content), [
    [isObject(value) && value.text === WIDE, `${quote(content)} for ${quote(WIDE)}`],
    [cut.result === "pass", cut.detail],
  ]);
}

const validate = new Ajv().compile(SCHEMA);
const valid = (text: string): Claim[] => [[validate(parsed(text)), `not of the schema: ${quote(text, 200)}`]];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
