import type { ApiDocument, Schemas } from "./document.ts";
import { ERROR_SCHEMA } from "./failures.ts";
import { Html, html, prose } from "./html.ts";
import { type Objects, findObjects } from "./objects.ts";
import { type OperationGroup, groupOperations } from "./operations.ts";
import { samplesOf } from "./samples.ts";
import { shapeOf } from "./shape.ts";
import { createSlugs } from "./slugs.ts";
import { STYLES } from "./styles.ts";
import { viewContents } from "./view-contents.ts";
import { viewBody } from "./view-fields.ts";
import { guideSections } from "./view-guide.ts";
import { type OperationContext, viewOperation } from "./view-operation.ts";

/** Percent-encoded where a data URI needs it, and so that nothing in the page looks like an address on the network. */
const ICON = new Html(
  "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b6e4f'/%3E%3Cpath d='M4.5 8h7a3.5 3.5 0 1 0-1 2.5' fill='none' stroke='%23fff' stroke-width='1.7' stroke-linecap='round'/%3E%3C/svg%3E",
);

/**
 * The API reference: one HTML page that needs no script and no byte from elsewhere. A function of the document alone;
 * every text of the document is escaped.
 */
export function renderReference(document: ApiDocument): string {
  const { info, components } = document;
  const schemas = components?.schemas ?? {};
  const serverUrl = (document.servers?.[0]?.url ?? "").replace(/\/$/, "");
  const slugs = createSlugs();
  // The page's own anchors are given out first: an operation of the same name gets a number.
  const page = { top: slugs("top"), contents: slugs("contents"), main: slugs("main") };
  const anchors = {
    base: slugs("base-url"),
    keys: slugs("authentication"),
    first: slugs("first-request"),
    streaming: slugs("streaming"),
    explain: slugs("what-became-of-a-request"),
    errors: slugs("errors"),
  };
  const groups = groupOperations(document, slugs);
  const objects = findObjects(schemas, slugs, new Map([[ERROR_SCHEMA, anchors.errors]]));
  const context: OperationContext = {
    schemas,
    slugs,
    anchors: objects.anchors,
    keysAnchor: anchors.keys,
    errorsAnchor: anchors.errors,
  };
  const operations = groups.flatMap((group) => group.operations);
  const guide = guideSections({ document, serverUrl, schemas, operations, anchors, fields: context });

  return html`<!doctype html>
    <html lang="en" id="${page.top}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${info.title} API reference</title>
        <link rel="icon" href="${ICON}" />
        <style>
          ${new Html(STYLES)}
        </style>
      </head>
      <body>
        <a class="skip" href="#${page.main}">Skip to the content</a>
        <div class="side">
          <header>
            <a class="brand" href="#${page.top}">${info.title}</a>
            <a class="menu" href="#${page.contents}">Contents</a>
          </header>
          ${viewContents(page.contents, page.main, { guide, groups, objects })}
        </div>
        <main id="${page.main}" tabindex="-1">
          <div class="intro">
            <h1>${info.title} <small>API reference</small></h1>
            ${prose(info.description)}
            <p class="meta">
              <span>Version ${info.version}</span> <a href="/openapi.json">OpenAPI document</a>
            </p>
          </div>
          ${guide.map(({ view }) => view)} ${groups.map((group) => viewGroup(group, serverUrl, context))}
          ${viewObjects(objects, context)}
        </main>
      </body>
    </html> `.toString();
}

const viewGroup = (
  { id, name, description, operations }: OperationGroup,
  serverUrl: string,
  context: OperationContext,
): Html =>
  html`<section class="group" aria-labelledby="${id}">
    <h2 id="${id}"><a href="#${id}">${name}</a></h2>
    ${prose(description)}
    ${operations.map((operation) => viewOperation(operation, samplesOf(operation, serverUrl, context.schemas), context))}
  </section> `;

/** The named schemas that several bodies share. */
function viewObjects({ id, entries }: Objects, context: OperationContext): Html | undefined {
  if (entries.length === 0) return undefined;
  return html`<section class="group" aria-labelledby="${id}">
    <h2 id="${id}"><a href="#${id}">Objects</a></h2>
    ${entries.map(({ id: entryId, name }) => viewObject(entryId, name, context.schemas, context))}
  </section> `;
}

const viewObject = (id: string, name: string, schemas: Schemas, context: OperationContext): Html =>
  html`<article class="object" aria-labelledby="${id}">
    <h3 id="${id}"><a href="#${id}">${name}</a></h3>
    ${prose(schemas[name]?.description)} ${viewBody(shapeOf(schemas[name] ?? {}, schemas, 1), context, id)}
  </article> `;
