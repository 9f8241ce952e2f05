import { highlight } from "./highlight.ts";
import { type Html, html } from "./html.ts";

/** A piece of code with a caption. Long lines wrap: nothing needs to be scrolled sideways, on paper neither. */
export const viewCode = (caption: string, code: string): Html =>
  html`<figure>
    <figcaption>${caption}</figcaption>
    <pre><code>${highlight(code)}</code></pre>
  </figure>`;
