import type { EngineFault } from "./engine.ts";
import { classifyOpenai } from "./openai-fault.ts";

/**
 * Texts by which TensorRT-LLM says that a prompt does not fit; they differ between its servers and releases:
 * https://github.com/NVIDIA/TensorRT-LLM/blob/main/tensorrt_llm/llmapi/llm.py
 */
const OVERFLOW =
  /should not exceed|exceeds? (the )?max(imum)?[_ ](seq|input|num|sequence|token)|max_seq_len|max_num_tokens|max_input_len|maximum (input|sequence) length/i;

/** Texts of its own trouble, which come with the status of a caller's mistake. */
const INTERNAL =
  /\bCUDA\b|cuDNN|cuBLAS|NCCL|out of memory|\bMPI\b|\bexecutor\b|RuntimeError|AssertionError|Assertion failed|Traceback|TllmException|\[TensorRT-LLM\]\[ERROR\]|NoneType|object has no attribute|LLM is unavailable|shut ?down|Broken pipe|internal (server )?error/i;

/** What an engine built on TensorRT-LLM means by a fault, told from its words where the status misleads. */
export function judgeTensorrtLlm(fault: EngineFault): EngineFault {
  if (OVERFLOW.test(fault.message)) {
    const { param: _, ...said } = fault;
    return {
      ...said,
      class: "client_fault",
      status: 400,
      type: "invalid_request_error",
      code: "context_length_exceeded",
    };
  }
  if (fault.class === "failure" || !INTERNAL.test(fault.message)) return fault;
  return { ...fault, class: "failure", status: 502 };
}

/** The first entry of pydantic's list of mistakes, as Python writes a list of dictionaries. */
const VALIDATION =
  /^\[\{'type': '(\w+)', 'loc': \(([^)]*)\), 'msg': (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/;

/** A refused field by its name and in plain words. */
function inPlainWords(fault: EngineFault): EngineFault {
  const found = VALIDATION.exec(fault.message);
  if (!found) return fault;
  const [, , place = "", single, double] = found;
  const names = [...place.matchAll(/'([^']*)'|(\d+)/g)].map(([, name, at]) => name ?? at ?? "");
  const path = names[0] === "body" ? names.slice(1) : names;
  const said = (single ?? double ?? "").replaceAll(/\\(.)/g, "$1");
  const message = path.length > 0 ? `${path.join(".")}: ${said}` : said;
  return { ...fault, message, ...(path[0] !== undefined && { param: path[0] }) };
}

/**
 * Reads an answer of trtllm-serve whose status is not 2xx. A 400 says little: validation, refusals of the model and
 * faults of the engine itself all have it, and only the text keeps them apart.
 */
export function classifyTensorrtLlm(
  status: number,
  body: string,
  retryAfterMs: number | undefined,
): EngineFault {
  const said = classifyOpenai(status, body, retryAfterMs);
  // A bare assertion has no words at all.
  if (status === 400 && said.message === "it gave no reason")
    return { ...said, class: "failure", status: 502 };
  return judgeTensorrtLlm(inPlainWords(said));
}
