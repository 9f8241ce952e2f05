/** Reads the body of /v1/chat/completions into a plan for the model. */
import type { LanguageModel, Token } from "../model/port.ts";
import { readConstraint } from "./constraint.ts";
import type { Result } from "./failure.ts";
import { invalid, ok } from "./failure.ts";
import type { Fields } from "./fields.ts";
import { reading } from "./fields.ts";
import type { Conversation } from "./messages.ts";
import { SCHEMA_GRAMMAR, exceeds } from "./grammar-bounds.ts";
import { readConversation, withSystemMessage, withToolInstructions } from "./messages.ts";
import { promptTokens } from "./prompt.ts";
import type { GenerationOptions, VocabularyFacts } from "./sampling.ts";
import { readGenerationOptions } from "./sampling.ts";
import type { ToolUse } from "./tools.ts";
import { TOOL_CALL_START, readToolUse, toolCallGrammar } from "./tools.ts";

export type ChatPlan = {
  options: GenerationOptions;
  prompt: readonly Token[];
  /** GBNF for the whole answer, where the client asked for a form. */
  grammar?: string;
  /** How tools may be called: the grammar of a call, and whether the answer has to be one. */
  calls?: { grammar: string; required: boolean };
};

export function planChat(
  fields: Fields,
  model: LanguageModel,
  vocabulary: VocabularyFacts,
  random: () => number,
): Result<ChatPlan> {
  const read = reading(() => ({
    conversation: readConversation(fields),
    use: readToolUse(fields),
    options: readGenerationOptions(fields, vocabulary, random),
  }));
  if (!read.ok) return read;
  const { conversation, use, options } = read.value;
  const constraint = readConstraint(fields, (gbnf) => model.acceptsGrammar(gbnf));
  if (!constraint.ok) return constraint;
  if (use.mode === "none") {
    const text = promptText(conversation, use, model);
    const prompt = text.ok ? promptTokens(model, text.value) : text;
    return prompt.ok ? ok({ options, prompt: prompt.value, grammar: constraint.value }) : prompt;
  }
  if (constraint.value !== undefined)
    return invalid("'tools' cannot be used together with a constrained answer");
  if (options.topLogprobs !== undefined) return invalid("'logprobs' cannot be used together with 'tools'");
  const grammar = toolCallGrammar(use.tools);
  if (!grammar.ok) return grammar;
  const excess = exceeds(grammar.value, SCHEMA_GRAMMAR);
  if (excess !== undefined) return invalid(`'tools' as a grammar ${excess}`);
  if (!model.acceptsGrammar(grammar.value))
    return invalid("the parameters of 'tools' cannot be turned into a grammar");
  const text = promptText(conversation, use, model);
  if (!text.ok) return text;
  const required = use.mode === "required";
  const prompt = promptTokens(model, required ? `${text.value}${TOOL_CALL_START}\n` : text.value);
  return prompt.ok
    ? ok({ options, prompt: prompt.value, calls: { grammar: grammar.value, required } })
    : prompt;
}

/** The conversation by the model's own template, up to where its answer begins. */
function promptText(conversation: Conversation, use: ToolUse, model: LanguageModel): Result<string> {
  const { source, bosText, eosText, systemDefault } = model.template;
  const hasTools = use.mode !== "none";
  // Templates of models trained on tools have a place for them, and speak of it in the form that we read.
  const native = hasTools && source.includes("tools") && source.includes(TOOL_CALL_START);
  const said = withSystemMessage(conversation.messages, systemDefault);
  const messages = hasTools && !native ? withToolInstructions(said, use) : said;
  try {
    const rendered = model.render({
      messages,
      ...(native ? { tools: use.tools.map((tool) => ({ type: "function", function: tool })) } : {}),
      add_generation_prompt: true,
      bos_token: bosText,
      eos_token: eosText,
    });
    return ok(rendered + conversation.prefill);
  } catch (error) {
    // Templates raise exceptions of their own, for example for roles that must alternate.
    const reason = error instanceof Error ? error.message : String(error);
    return invalid(`the model's chat template refuses these 'messages': ${reason}`);
  }
}
