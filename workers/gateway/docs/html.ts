/** Markup. Text becomes part of it only through {@link html}, which escapes it. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: text is escaped, lists are joined, nothing (`undefined`, `false`) is left out. */
export type Insert = string | number | Html | false | undefined | readonly Insert[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it may stand between tags and in a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);

function markupOf(insert: Insert): string {
  if (insert === undefined || insert === false) return "";
  if (insert instanceof Html) return insert.toString();
  if (typeof insert === "object") return insert.map(markupOf).join("");
  return escapeHtml(String(insert));
}

const condensed = new WeakMap<TemplateStringsArray, readonly string[]>();

/** A template without its indentation, which is for readers of the source only. */
function condense(strings: TemplateStringsArray): readonly string[] {
  const known = condensed.get(strings);
  if (known) return known;
  const short = strings.map((string) => string.replaceAll(/\n\s*(?=>)/g, "").replaceAll(/\n\s*/g, "\n"));
  condensed.set(strings, short);
  return short;
}

/** Builds markup from a template. Whatever is inserted and is not markup itself comes out as plain text. */
export function html(strings: TemplateStringsArray, ...inserts: readonly Insert[]): Html {
  return new Html(
    condense(strings).reduce((markup, string, at) => markup + markupOf(inserts[at - 1]) + string),
  );
}

/** The items with `separator` between them. */
export const joinHtml = (items: readonly Insert[], separator: Insert): Html =>
  html`${items.map((item, at) => (at === 0 ? item : [separator, item]))}`;

/** One line of a description: text between backticks is code, and there is no other notation. */
export const inlineProse = (text: string): Html =>
  html`${text.split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`;

/** A description as paragraphs; blank lines separate them. */
export const prose = (text: string | undefined): Html =>
  html`${(text ?? "")
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== "")
    .map((paragraph) => html`<p>${inlineProse(paragraph)}</p>`)}`;
