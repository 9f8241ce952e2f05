import type { Parameter } from "./document.ts";
import { jsonText } from "./samples.ts";
import { exampleOf } from "./examples.ts";
import { type Guide, type GuideExample, type GuideSection, guideSection, pathLink } from "./guide-section.ts";
import { type Html, html, inlineProse, prose } from "./html.ts";

const RECORD = "ExplainedRequest";

/** What an answer tells of how it came about, and where to read more. */
export function explainSection(
  { anchors, operations, schemas, serverUrl }: Guide,
  { chat }: GuideExample,
): GuideSection {
  const headers = Object.entries(
    chat.responses.find(({ status }) => status === "200")?.response.headers ?? {},
  );
  const lookup = operations.find(({ method, path }) => method === "get" && path.endsWith("/requests/{id}"));
  const record = schemas[RECORD];
  return guideSection(anchors.explain, "What became of a request", {
    text: [
      prose(
        "Every answer names its request, errors included. Name it when you ask your operator about one: the log has it in every line about it. Operators, whose keys have the role admin, are told more, also of errors that came from engines:",
      ),
      html`<dl class="terms">${headers.map(([name, { description }]) => viewHeader(name, description))}</dl>`,
      lookup &&
        html`<p>
          What became of it to its last byte, with every engine that failed and why, is in its one line in the
          log, and at ${pathLink(lookup)}.
        </p>`,
    ],
    samples: [
      {
        caption: "Headers of an answer, for an operator",
        code: [
          "x-request-id: req_0f8fad5bd9cb469fa16570867728950e",
          "x-eco-request-id: req_0f8fad5bd9cb469fa16570867728950e",
          "x-eco-engine: gpu-2",
          "x-eco-attempts: 2",
          "x-eco-queue-ms: 0",
          "x-eco-engine-ms: 842",
          "x-eco-overhead-ms: 3",
        ].join("\n"),
      },
      ...(record && lookup
        ? [
            {
              caption: `GET ${serverUrl}${lookup.path}`,
              code: jsonText(exampleOf(record, { schemas, known: EXAMPLE })),
            },
          ]
        : []),
    ],
  });
}

/** One request, so that the numbers of the example go together. */
const EXAMPLE = {
  request: "req_0f8fad5bd9cb469fa16570867728950e",
  at: "2026-11-20T09:30:00.845Z",
  method: "POST",
  path: "/v1/chat/completions",
  status: 200,
  queue_ms: 0,
  engine_ms: 842,
  overhead_ms: 3,
  total_ms: 845,
};

const viewHeader = (name: string, description: Parameter["description"]): Html =>
  html`<div>
    <dt><code>${name}</code></dt>
    <dd>${inlineProse(description ?? "")}</dd>
  </div>`;
