import type { ApiDocument, Schemas } from "./document.ts";
import { type Html, type Insert, html } from "./html.ts";
import type { Operation } from "./operations.ts";
import type { Sample } from "./samples.ts";
import type { SdkTarget } from "./sdk-samples.ts";
import { viewCode } from "./view-code.ts";
import type { FieldsContext } from "./view-fields.ts";

/** What the guide is written from. */
export type Guide = {
  readonly document: ApiDocument;
  readonly serverUrl: string;
  readonly schemas: Schemas;
  readonly operations: readonly Operation[];
  readonly anchors: GuideAnchors;
  readonly fields: FieldsContext;
};

/** The anchors of the guide's sections. */
export type GuideAnchors = {
  readonly base: string;
  readonly keys: string;
  readonly first: string;
  readonly streaming: string;
  readonly explain: string;
  readonly errors: string;
};

/** The operation that the guide's examples call, and how OpenAI's SDKs are told to reach it. */
export type GuideExample = { readonly chat: Operation; readonly target: SdkTarget };

/** A section of the guide: its anchor, its heading, and the section itself. */
export type GuideSection = { readonly id: string; readonly title: string; readonly view: Html };

/** Text on one side, examples on the other, and below both what needs the whole width. */
export type SectionContent = {
  readonly text: Insert;
  readonly samples: readonly Sample[];
  readonly wide?: Insert;
};

/** Puts a section together. */
export function guideSection(
  id: string,
  title: string,
  { text, samples, wide }: SectionContent,
): GuideSection {
  const view = html`<section class="split" aria-labelledby="${id}">
    <div>
      <h2 id="${id}"><a href="#${id}">${title}</a></h2>
      ${text}
    </div>
    <div class="examples">${samples.map(({ caption, code }) => viewCode(caption, code))}</div>
    ${wide !== undefined && html`<div class="wide">${wide}</div>`}
  </section> `;
  return { id, title, view };
}

/** An operation's path, as a link to its section. */
export const pathLink = ({ id, path }: Operation): Html => html`<a href="#${id}"><code>${path}</code></a>`;
