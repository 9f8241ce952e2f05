/** What every answer tells browsers: to take it for what it says it is, to show it in no frame, and to keep nothing of it. */
const ALWAYS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cache-control": "no-store",
} as const;

/** Likewise over HTTPS: from then on browsers come by no other way. In seconds: a year. */
const OVER_HTTPS = { ...ALWAYS, "strict-transport-security": "max-age=31536000" } as const;

/** The headers for browsers of an answer to a request to this address. They are made once: answers spread them. */
export const securityHeaders = (url: string): Readonly<Record<string, string>> =>
  url.startsWith("https:") ? OVER_HTTPS : ALWAYS;

/** What a page without scripts may do, whose one style sheet has this text. https://www.w3.org/TR/CSP3/#framework-directive-source-list */
export async function pagePolicy(styleSheet: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(styleSheet));
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}
