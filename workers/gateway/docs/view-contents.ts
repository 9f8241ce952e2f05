import { type Html, html } from "./html.ts";
import type { Objects } from "./objects.ts";
import type { OperationGroup } from "./operations.ts";
import type { GuideSection } from "./guide-section.ts";
import { viewMethod } from "./view-operation.ts";

/** What the page consists of, in its order. */
export type PageParts = {
  readonly guide: readonly GuideSection[];
  readonly groups: readonly OperationGroup[];
  readonly objects: Objects;
};

type Entry = { readonly id: string; readonly label: Html };

/**
 * The table of contents. On narrow screens it is hidden until a link targets it, and any link in it hides it again:
 * a menu without a script.
 */
export function viewContents(id: string, mainId: string, { guide, groups, objects }: PageParts): Html {
  const lists: [string, Entry[]][] = [
    ["Guide", guide.map((section) => ({ id: section.id, label: html`${section.title}` }))],
    ...groups.map(({ name, operations }): [string, Entry[]] => [
      name,
      operations.map((operation) => ({
        id: operation.id,
        label: html`${viewMethod(operation.method)}<span>${operation.summary}</span>`,
      })),
    ]),
    ["Objects", objects.entries.map((entry) => ({ id: entry.id, label: html`${entry.name}` }))],
  ];
  return html`<nav id="${id}" aria-label="Contents">
    <a class="close" href="#${mainId}">Close</a>
    ${lists
      .filter(([, entries]) => entries.length > 0)
      .map(
        ([title, entries]) =>
          html`<p>${title}</p>
            <ul>
              ${entries.map((entry) => html`<li><a href="#${entry.id}">${entry.label}</a></li>`)}
            </ul> `,
      )}
  </nav>`;
}
