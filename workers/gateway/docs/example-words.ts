/**
 * What a field of this name is likely to hold, so that a generated example reads like an answer and not like a form.
 * `Schema.field` goes before `field`. Candidates of another type than the schema's are passed over, so a name that
 * means two things may have both.
 */
export const WORDS: Readonly<Record<string, readonly unknown[]>> = {
  role: ["user"],
  content: ["Hello!"],
  "ChatCompletion.content": ["Hello! How can I help you today?"],
  "ChatCompletionChunk.content": ["Hello"],
  refusal: [null],
  prompt: ["Once upon a time"],
  text: ["there was a model that ran on your own GPU."],
  input: ["The quick brown fox jumps over the lazy dog."],
  embedding: [[0.0185, -0.0732, 0.0411]],
  name: ["get_weather"],
  arguments: ['{"city":"Taipei"}'],
  url: ["data:image/png;base64,iVBORw0KGgo="],
  data: ["UklGRiQAAABXQVZF"],
  format: ["wav"],
  "ChatCompletion.id": ["chatcmpl-5f3c9a"],
  "ChatCompletionChunk.id": ["chatcmpl-5f3c9a"],
  "Completion.id": ["cmpl-5f3c9a"],
  "ToolCall.id": ["call_5f3c9a"],
  created: [1_767_225_600],
  owned_by: ["vllm"],
  prompt_tokens: [9],
  completion_tokens: [8],
  total_tokens: [9],
  "Usage.total_tokens": [17],
  engines: [["vllm"], "ok"],
  database: ["ok"],
  ready: [true, 2],
  total: [2],
  message: ["What went wrong, and what to do about it."],
};
