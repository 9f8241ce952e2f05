import { describe, expect, it } from "vitest";
import { createOpenApi } from "../openapi.ts";
import type { ApiDocument } from "./document.ts";
import { errorRows } from "./failures.ts";
import { escapeHtml } from "./html.ts";
import { groupOperations } from "./operations.ts";
import { renderReference } from "./reference-page.ts";
import { createSlugs } from "./slugs.ts";

const document: ApiDocument = createOpenApi("https://ai.example.com");
const page = renderReference(document);
const operations = groupOperations(document, createSlugs()).flatMap((group) => group.operations);

const all = (markup: string, pattern: RegExp): string[] =>
  [...markup.matchAll(pattern)].map((match) => match[1] ?? "");
const idsOf = (markup: string): string[] => all(markup, / id="([^"]*)"/g);
const linksOf = (markup: string): string[] => all(markup, / href="([^"]*)"/g);

/** What a reader sees. */
const textOf = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'");

const VOID = new Set(["meta", "link", "br", "wbr"]);

/** The elements that are closed in another order than they were opened, or not at all. */
function misnested(markup: string): string[] {
  const open: string[] = [];
  const faults: string[] = [];
  const body = markup.replace("<!doctype html>", "").replace(/<style>[^]*?<\/style>/, "");
  for (const [tag, slash, name = ""] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/g)) {
    if (VOID.has(name)) continue;
    if (!slash) open.push(name);
    else if (open.pop() !== name) faults.push(tag);
  }
  return [...faults, ...open];
}

/** Every value under a key, however deep. */
function collect(value: unknown, key: string): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name === key ? [inner] : []),
    ...collect(inner, key),
  ]);
}

describe("the reference of the real document", () => {
  it.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    "has %s with all of its fields and answers",
    (_, operation) => {
      const start = page.indexOf(`aria-labelledby="${operation.id}"`);
      expect(start).toBeGreaterThan(0);
      const article = page.slice(start, page.indexOf("</article>", start));
      expect(article).toContain(`<h3 id="${operation.id}">`);
      expect(article.replaceAll("<wbr />", "").replaceAll(/<\/?em>/g, "")).toContain(
        `<code>${operation.path}</code>`,
      );
      expect(article).toContain(operation.keyed ? "API key</a>" : "No API key needed.");
      for (const { name } of operation.parameters)
        expect(article).toContain(`id="${operation.id}.${name.toLowerCase()}"`);
      const [name] = collect(operation.body, "$ref").map((target) => String(target).split("/").at(-1) ?? "");
      const fields = Object.keys(document.components?.schemas?.[name ?? ""]?.properties ?? {});
      expect(fields.length > 0).toBe(operation.body !== undefined);
      for (const field of fields) expect(article).toContain(`id="${operation.id}.${field.toLowerCase()}"`);
      for (const { status } of operation.responses) expect(article).toContain(`>${status}</span>`);
      expect(article).toContain("<pre><code>curl ");
    },
  );

  it("names every other address of an operation beside the first, and does not repeat it", () => {
    const others = operations.flatMap(({ alsoAt }) => alsoAt);
    expect(others).toContain("/api/v1/ai/chat/completions");
    expect(operations.filter(({ path }) => others.includes(path))).toEqual([]);
    const shown = textOf(page);
    for (const { alsoAt } of operations.filter((each) => each.alsoAt.length > 0))
      expect(shown).toContain(`Also at ${alsoAt.join(", ")}.`);
  });

  it.each(Object.entries(document.components?.schemas ?? {}))("names every field of %s", (_, schema) => {
    const names = collect(schema, "properties").flatMap((properties) => Object.keys(properties as object));
    const shown = new Set(all(page, /<code class="name">([^<]*)<\/code>/g));
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  it("has every description and every value of an enum", () => {
    const text = page.replaceAll(/<\/?code[^>]*>/g, "");
    const descriptions = collect(document, "description").filter((each) => typeof each === "string");
    expect(descriptions.length).toBeGreaterThan(20);
    expect(descriptions.filter((each) => !text.includes(escapeHtml(each.replaceAll("`", ""))))).toEqual([]);
    const values = collect(document, "enum")
      .flat()
      .filter((value) => value !== null);
    expect(values.filter((value) => !text.includes(escapeHtml(JSON.stringify(value))))).toEqual([]);
  });

  it("tells the address, the key, the end of a stream, and every error", () => {
    const shown = textOf(page);
    for (const text of [
      "https://ai.example.com/v1",
      "Authorization: Bearer $ECO_API_KEY",
      "data: [DONE]",
      "x-eco-keep-alive: off",
      "x-eco-continue: off",
      "x-eco-overhead-ms",
      "from openai import OpenAI",
      'import OpenAI from "openai"',
      ...errorRows().flatMap(({ code }) => code ?? []),
    ]) {
      expect(shown.includes(text), text).toBe(true);
    }
    expect(linksOf(page)).toContain("/openapi.json");
  });

  it("needs no script and nothing from elsewhere", () => {
    expect(page).not.toMatch(/<script/i);
    expect(page).not.toMatch(/\son[a-z]+\s*=/i);
    expect(page).not.toMatch(/@import|url\(|<(?:img|iframe|object|embed|video|audio|base|form)\b|\ssrc=/i);
    for (const link of linksOf(page)) expect(link).toMatch(/^(?:#|\/openapi\.json$|data:image\/svg\+xml,)/);
  });

  it("gives each id once, and every link leads somewhere", () => {
    const ids = idsOf(page);
    expect(new Set(ids).size).toBe(ids.length);
    const anchors = linksOf(page).filter((link) => link.startsWith("#"));
    expect(anchors.filter((link) => !ids.includes(link.slice(1)))).toEqual([]);
    expect(all(page, /aria-labelledby="([^"]*)"/g).filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("has headings in order: one of the first level, and none that skips a level", () => {
    const levels = all(page, /<h([1-6])[ >]/g).map(Number);
    expect(levels.filter((level) => level === 1)).toEqual([1]);
    expect(levels[0]).toBe(1);
    expect(levels.filter((level, at) => level > (levels[at - 1] ?? level) + 1)).toEqual([]);
  });

  it("has one main part, and contents with a name and a link past them", () => {
    expect(all(page, /<(main)\b/g)).toHaveLength(1);
    expect(page).toContain('aria-label="Contents"');
    expect(page.indexOf('class="skip"')).toBeLessThan(page.indexOf("<nav"));
    expect(page).toMatch(/<html lang="en"/);
  });

  it("puts no control inside of another", () => {
    expect(all(page, /<summary>((?:(?!<\/summary>)[^])*<a [^]*?)<\/summary>/g)).toEqual([]);
  });

  it("closes what it opens", () => {
    expect(misnested(page)).toEqual([]);
  });

  it("is the same each time, and small", () => {
    expect(renderReference(document)).toBe(page);
    expect(new TextEncoder().encode(page).length).toBeLessThan(800_000);
  });
});

describe("a hostile document", () => {
  const attack = `</style></code><script>alert(1)</script><img src=x onerror=alert(1)>"'&`;
  const STRUCTURE = new Set(["$ref", "type", "in", "format"]);

  /** The same document with an attack in every text and in every name. */
  function poison(value: unknown, key = ""): unknown {
    if (typeof value === "string") return STRUCTURE.has(key) ? value : value + attack;
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => poison(each, key));
    const named = key === "properties" || key === "content" || key === "securitySchemes";
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [named ? name + attack : name, poison(inner, name)]),
    );
  }
  const poisoned = renderReference(
    poison({ ...document, servers: [{ url: `https://a.example/${attack}` }] }) as ApiDocument,
  );

  it("stays text", () => {
    expect(poisoned).toContain("&lt;script&gt;alert(1)");
    expect(poisoned).not.toMatch(/<script|<img/i);
    expect(all(poisoned, /(<\/style>)/g)).toHaveLength(1);
    expect(misnested(poisoned)).toEqual([]);
  });

  it("cannot break out of an attribute, nor lead anywhere else", () => {
    for (const tag of all(poisoned, /<([a-z][^<>]*)>/g))
      expect(tag).toMatch(/^[a-z0-9]+(?: [a-z-]+="[^"]*")*(?: \/)?$/);
    for (const link of linksOf(poisoned))
      expect(link).toMatch(/^(?:#|\/openapi\.json$|data:image\/svg\+xml,)/);
  });
});

describe("a small document", () => {
  it.each<[string, ApiDocument]>([
    ["without anything in it", { info: { title: "Empty", version: "1" } }],
    [
      "with an operation of no tag, no security and no schema",
      {
        info: { title: "Plain", version: "1" },
        paths: { "/errors": { delete: { responses: { 204: { description: "Gone." } } } } },
      },
    ],
    [
      "whose operations are called like parts of the page",
      {
        info: { title: "Main", version: "1" },
        tags: [{ name: "Errors" }],
        paths: { "/main": { get: { tags: ["Errors"] } }, "/Main": { get: { tags: ["Errors"] } } },
      },
    ],
  ])("%s makes a page that holds together", (_, small) => {
    const markup = renderReference(small);
    const ids = idsOf(markup);
    expect(markup).toContain(`<h1>${small.info.title}`);
    expect(new Set(ids).size).toBe(ids.length);
    expect(linksOf(markup).filter((link) => link.startsWith("#") && !ids.includes(link.slice(1)))).toEqual(
      [],
    );
    expect(misnested(markup)).toEqual([]);
  });
});
