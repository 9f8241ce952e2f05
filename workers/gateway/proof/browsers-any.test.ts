import { describe, expect, it } from "vitest";
import { proofForFile } from "./harness.ts";

const proof = proofForFile([], { CORS_ORIGINS: "*" });

describe("where every page may read", () => {
  it.each(["https://anybody.example", "null", undefined])(
    "an answer to %s says so, and never with credentials",
    async (origin) => {
      const response = await proof().fetch(`${proof().url}/v1/models`, {
        headers: { ...(origin !== undefined && { origin }) },
      });
      expect(response.status).toBe(401);
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.has("access-control-allow-credentials")).toBe(false);
    },
  );

  it("any page is told what it may send", async () => {
    const headers = { origin: "https://anybody.example", "access-control-request-method": "GET" };
    const response = await fetch(`${proof().url}/v1/models`, { method: "OPTIONS", headers });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  });
});
