import { exampleOf } from "./examples.ts";
import { errorBody } from "./failures.ts";
import { type Guide, type GuideExample, type GuideSection, guideSection } from "./guide-section.ts";
import { type Html, html, inlineProse, prose } from "./html.ts";
import { chunkOf, eventsText } from "./samples.ts";
import { streamedRequest } from "./sdk-samples.ts";

/** What a client can rely on. */
const PROMISES: readonly { readonly term: string; readonly text: string }[] = [
  {
    term: "The end",
    text: "`data: [DONE]` comes only after true success: the engine has finished its answer, and you have all of it. A stream that ends without it is not complete.",
  },
  {
    term: "Errors before the first piece",
    text: "They have a status of their own, like those of an answer in one piece. Where another engine can serve the request, it is asked before you are told.",
  },
  {
    term: "Errors after it",
    text: "They come as the stream's last event: an object with `error`, and no `[DONE]` behind it. OpenAI's SDKs throw it.",
  },
  {
    term: "An engine that is lost",
    text: "Where an answer breaks off and another engine has the same model, that one goes on with the text, and you see one answer. It is not tried after a tool call, reasoning, log probabilities, with several choices, or where a form was asked for; nor with the header `x-eco-continue: off`.",
  },
  {
    term: "Slow starts",
    text: "An answer that is long in coming begins with status 200 and comments (`: keep-alive`), which clients pass over, so that nothing on the way gives up. From then on an error can only come as an event. With the header `x-eco-keep-alive: off` there are no comments, and the status waits for the first piece.",
  },
  {
    term: "Usage",
    text: 'With `stream_options: {"include_usage": true}` one more chunk comes before `[DONE]`: without choices, and with the tokens used.',
  },
  { term: "Stopping", text: "Close the connection. The engine stops too, and its GPU is free for others." },
];

/** How a streamed answer comes, ends, and fails. */
export function streamingSection({ schemas, anchors }: Guide, { chat, target }: GuideExample): GuideSection {
  const piece = exampleOf(chunkOf(chat) ?? {}, {
    schemas,
    known: { model: target.model, finish_reason: null },
  });
  return guideSection(anchors.streaming, "Streaming", {
    text: [
      prose(
        "With `stream: true` the answer comes as server-sent events, piece by piece. Each is a line `data:` with a chunk as JSON.",
      ),
      html`<dl class="terms">${PROMISES.map(({ term, text }) => viewTerm(term, text))}</dl>`,
    ],
    samples: [
      streamedRequest(target),
      {
        caption: "A stream that broke off",
        code: eventsText([piece, errorBody("engine_failed")].map((data) => JSON.stringify(data))),
      },
    ],
  });
}

const viewTerm = (term: string, text: string): Html =>
  html`<div>
    <dt>${term}</dt>
    <dd>${inlineProse(text)}</dd>
  </div>`;
