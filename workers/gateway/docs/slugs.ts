/** Turns a text into an anchor that no other text has been given. */
export type Slugs = (text: string) => string;

/** A fresh set of anchors: lower case letters, digits, dots, underscores and dashes; a number where two would be the same. */
export function createSlugs(): Slugs {
  const taken = new Set<string>();
  return (text) => {
    const wanted =
      text
        .toLowerCase()
        .replaceAll(/[^a-z0-9._]+/g, "-")
        .replaceAll(/^-|-$/g, "") || "section";
    let slug = wanted;
    for (let count = 2; taken.has(slug); count++) slug = `${wanted}-${count}`;
    taken.add(slug);
    return slug;
  };
}
