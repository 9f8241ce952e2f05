import { KEY_VARIABLE } from "./commands.ts";
import type { Sample } from "./samples.ts";

/** What the examples of OpenAI's SDKs are about. */
export type SdkTarget = {
  /** With the version, without the operation: `https://example.com/v1`. */
  readonly baseUrl: string;
  readonly model: string;
};

const text = (value: string): string => JSON.stringify(value);

const javascriptClient = ({ baseUrl }: SdkTarget): string => `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: ${text(baseUrl)},
  apiKey: process.env.${KEY_VARIABLE},
});
`;

/** A first request with OpenAI's SDKs. */
export const firstRequests = (target: SdkTarget): Sample[] => [
  {
    caption: "JavaScript, npm install openai",
    code: `${javascriptClient(target)}
const answer = await client.chat.completions.create({
  model: ${text(target.model)},
  messages: [{ role: "user", content: "Hello!" }],
});
console.log(answer.choices[0].message.content);`,
  },
  {
    caption: "Python, pip install openai",
    code: `import os
from openai import OpenAI

client = OpenAI(
    base_url=${text(target.baseUrl)},
    api_key=os.environ["${KEY_VARIABLE}"],
)

answer = client.chat.completions.create(
    model=${text(target.model)},
    messages=[{"role": "user", "content": "Hello!"}],
)
print(answer.choices[0].message.content)`,
  },
];

/** A streamed answer with OpenAI's JavaScript SDK. */
export const streamedRequest = (target: SdkTarget): Sample => ({
  caption: "JavaScript",
  code: `const stream = await client.chat.completions.create({
  model: ${text(target.model)},
  messages: [{ role: "user", content: "Hello!" }],
  stream: true,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? "");
}
// Here the answer is complete: a stream that broke off has thrown.`,
});
