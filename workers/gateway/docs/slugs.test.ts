import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSlugs } from "./slugs.ts";

describe("anchors", () => {
  it("are readable", () => {
    const slugs = createSlugs();
    expect(
      ["post /v1/chat/completions", "get /v1/models/{id}", "get-v1-x.max_tokens", "模型"].map(slugs),
    ).toEqual(["post-v1-chat-completions", "get-v1-models-id", "get-v1-x.max_tokens", "section"]);
  });

  it("are never given twice, and are safe in an attribute and in a link", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("a", "-", "2", " ", "%", '"', "<") })),
        (texts) => {
          const given = texts.map(createSlugs());
          expect(new Set(given).size).toBe(texts.length);
          for (const slug of given) expect(slug).toMatch(/^[a-z0-9._-]+$/);
        },
      ),
    );
  });
});
