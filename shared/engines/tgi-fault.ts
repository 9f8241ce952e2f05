import { type Result, err, ok } from "../kernel/result.ts";
import type { EngineFault } from "./engine.ts";
import { asObject, objectIn } from "../kernel/json.ts";
import { classifyOpenai } from "./openai-fault.ts";

/** What a fault means whatever status it came with; absent members stay as they were. */
type Meaning = Pick<EngineFault, "class" | "status"> & Partial<Pick<EngineFault, "type" | "code">>;

const mistake = (status: number): Meaning => ({
  class: "client_fault",
  status,
  type: "invalid_request_error",
});
const failure: Meaning = { class: "failure", status: 502 };

/**
 * TGI's own words, the first that fits: inside a chat's stream every error says 422, so only the words tell them apart.
 * https://github.com/huggingface/text-generation-inference/blob/main/router/src/infer/mod.rs
 */
const MEANINGS: readonly (readonly [RegExp, Meaning])[] = [
  [/^Model is overloaded/, { class: "overload", status: 429 }],
  [
    /^Input validation error: (`inputs` tokens \+ `max_new_tokens` must be <=|`inputs` must have less than \d+ tokens)/,
    { ...mistake(400), code: "context_length_exceeded" },
  ],
  // The limit of tokens cut the call, which is thrown away with this.
  [/^Tool error: Failed to parse generated text: EOF while parsing/, mistake(400)],
  [/^Tool error: (Failed to parse generated text|Could not convert arguments)/, failure],
  [/^(Request failed during generation|Incomplete generation|Stream event serialization error)/, failure],
  [/^(Input validation error|Template error|Missing template va|Tool error)/, mistake(422)],
];

/** A fault as TGI's words mean it. */
export function judgeTgi(fault: EngineFault): EngineFault {
  const meaning = MEANINGS.find(([words]) => words.test(fault.message))?.[1];
  return meaning ? { ...fault, ...meaning } : fault;
}

/**
 * Reads an answer whose status is not 2xx: `{"error":"…","error_type":"…"}`, plain text for a body that its JSON parser
 * refused or that is too large, and nothing at all for a wrong key or path.
 */
export const classifyTgi = (status: number, body: string, retryAfterMs: number | undefined): EngineFault =>
  judgeTgi(classifyOpenai(status, body, retryAfterMs));

/**
 * The fault in an event or an answer of status 200, of the native routes (`{"error":"…"}`) or the others
 * (`{"error":{"message":"…"}}`). What TGI says in no words that are known is held for its own failure.
 */
export function faultIn(error: unknown): EngineFault {
  const said = typeof error === "string" ? error : asObject(error)?.message;
  const message = typeof said === "string" && said !== "" ? said : "it reported an error";
  return judgeTgi({ ...failure, message });
}

/** The fault of an engine that answered 200 and yet gave no answer. */
export const broken = (message: string): EngineFault => ({ ...failure, message });

/** The object in an event's data, or the fault that it tells or is. */
export function readChunk(data: string): Result<Record<string, unknown>, EngineFault> {
  const chunk = objectIn(data);
  if (!chunk) return err(broken("it sent an event that is not JSON"));
  return chunk.error == null ? ok(chunk) : err(faultIn(chunk.error));
}
