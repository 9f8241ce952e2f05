import { ERROR_SCHEMA, type ErrorRow, errorBody, errorRows } from "./failures.ts";
import { type Guide, type GuideSection, guideSection } from "./guide-section.ts";
import { type Html, html, inlineProse, joinHtml, prose } from "./html.ts";
import { jsonText } from "./samples.ts";
import { shapeOf } from "./shape.ts";
import { viewBody } from "./view-fields.ts";

/** What an error looks like, and every error there is. */
export function errorsSection({ schemas, anchors, fields }: Guide): GuideSection {
  const { [ERROR_SCHEMA]: schema } = schemas;
  return guideSection(anchors.errors, "Errors", {
    text: [
      prose(
        "Every error has OpenAI's error object as its body, so OpenAI's SDKs raise the exceptions you know. `code` is for programs, `message` for people.",
      ),
      schema && viewBody(shapeOf(schema, schemas), fields),
    ],
    samples: [{ caption: "Status 404", code: jsonText(errorBody("model_not_found")) }],
    wide: html`<table>
      <caption>
        All errors. Where it says ${RETRY}, that header has the seconds to wait before another try.
      </caption>
      <thead>
        <tr>
          <th scope="col">Status</th>
          <th scope="col">Code and type</th>
          <th scope="col">Message, for instance</th>
        </tr>
      </thead>
      <tbody>
        ${errorRows().map(viewRow)}
      </tbody>
    </table>`,
  });
}

/** Marks an error that comes with this header. */
const RETRY = html`<span class="retry">Retry-After</span>`;

/** A name that may wrap behind its underscores, in a narrow column. */
const wrapping = (name: string): Html => joinHtml(name.split(/(?<=_)/), html`<wbr />`);

function viewRow({ status, type, code, message, retryAfter }: ErrorRow): Html {
  const name = code === undefined ? "the engine's own" : html`<code>${wrapping(code ?? "null")}</code>`;
  return html`<tr>
    <td><span class="status s${status.charAt(0)}">${status}</span></td>
    <td>${name} <span class="rules">${wrapping(type)}</span></td>
    <td>${inlineProse(message)}${retryAfter && html` ${RETRY}`}</td>
  </tr> `;
}
