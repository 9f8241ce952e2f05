import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Html, escapeHtml, html, inlineProse, joinHtml, prose } from "./html.ts";

const unescape = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

describe("html", () => {
  it.each([
    ["escapes text", html`<p>${'<b> & "it\'s"'}</p>`, "<p>&lt;b&gt; &amp; &quot;it&#39;s&quot;</p>"],
    ["takes markup as it is", html`<p>${html`<b>${"&"}</b>`}</p>`, "<p><b>&amp;</b></p>"],
    ["joins lists, and lists in lists", html`${["a", ["<", html`<i>b</i>`]]}`, "a&lt;<i>b</i>"],
    ["leaves out what is not there", html`${undefined}${false}${0}${""}`, "0"],
    [
      "leaves out the template's indentation, not the text's",
      html`<ul>
        <li>${"\n   a"}</li>
      </ul>`,
      "<ul>\n<li>\n   a</li>\n</ul>",
    ],
    ["puts a separator between items", joinHtml(["a", html`<b>b</b>`, "c"], ", "), "a, <b>b</b>, c"],
    [
      "makes code of what is between backticks",
      inlineProse("see `a<b>` and <c>"),
      "see <code>a&lt;b&gt;</code> and &lt;c&gt;",
    ],
    ["leaves a lone backtick alone", inlineProse("a ` b"), "a ` b"],
    ["makes paragraphs of blank lines", prose("one\ntwo\n\n \nthree"), "<p>one\ntwo</p><p>three</p>"],
    ["makes nothing of no text", prose(undefined), ""],
  ])("%s", (_, markup, expected) => {
    expect(markup).toBeInstanceOf(Html);
    expect(String(markup)).toBe(expected);
  });

  it("never lets a text become markup, and never changes it", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", "&lt;") }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']/);
        expect(unescape(escapeHtml(text))).toBe(text);
        expect(String(html`${text}`)).toBe(escapeHtml(text));
      }),
    );
  });
});
