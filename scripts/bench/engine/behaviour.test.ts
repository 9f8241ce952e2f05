import { expect, it } from "vitest";
import { type Behaviour, directives, readBehaviour } from "./behaviour.ts";

it.each<[string, string, Partial<Behaviour>]>([
  [
    "answers whole where nothing else is asked",
    '{"messages":[]}',
    { stream: false, gapMs: 0, chunks: 50, includeUsage: false },
  ],
  ["streams when asked", '{"stream":true}', { stream: true }],
  ["tells usage when asked", '{"stream_options":{"include_usage":true}}', { includeUsage: true }],
  [
    "takes its pace and length from the message",
    `{"content":"hello ${directives(20, 100)}"}`,
    { gapMs: 20, chunks: 100 },
  ],
  ["is bounded", '{"content":"[gap=99999999][n=99999999]"}', { gapMs: 10_000, chunks: 10_000 }],
  [
    "keeps to its defaults where a directive has no number",
    '{"content":"[gap=x][n=]"}',
    { gapMs: 0, chunks: 50 },
  ],
  ["never goes below nothing", '{"content":"[gap=-5]"}', { gapMs: 0 }],
])("%s", (_, body, behaviour) => {
  expect(readBehaviour(body)).toMatchObject(behaviour);
});
