/** The reference as a page. */
export function renderReference(document: unknown): string {
  return `<!doctype html><title>eco-base</title><pre>${JSON.stringify(document).length}</pre>`;
}
